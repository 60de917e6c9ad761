// Values that look like secrets: a configuration holds names of secrets, never values. Threads: pure.
#pragma once

namespace wye::config {

/// Whether `value` looks like a secret wherever it stands (keys of known makers, JWT, PEM private key, SAS signature), or, in a
/// field whose name speaks of a key, like 32 and more characters of hex or base64.
bool looks_like_secret(std::string_view value, bool key_field);

/// Whether a field of that name speaks of a key: `key`, `apiKey`, `keyFile` ...
bool is_key_field(std::string_view name);

}  // namespace wye::config
