// Embeddings as float arrays and as base64 of packed little-endian float32: what the Python client asks for by default and what
// many servers do not know. Source: OpenAI API reference, `encoding_format`; openai-python `resources/embeddings.py`.
// Threads: pure functions.
#pragma once

#include "llm/protocol/request.hpp"

namespace wye::protocol {

/// Appends `data` (the raw JSON array of embedding objects) to `out` with every `embedding` in the wanted form; the other
/// members stay as they are. What is in that form already is copied. Errors: kUpstreamFailed.
Result<void> convert_embeddings(std::string_view data, EncodingFormat wanted, std::string& out);

/// The form of the first embedding of `data`; absent where there is none or it is neither.
std::optional<EncodingFormat> encoding_of(std::string_view data);

}  // namespace wye::protocol
