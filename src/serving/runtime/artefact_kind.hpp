// Names what a file is that should be a model and is not: judged by its content, never by its extension. Private to this room.
#pragma once

#include "serving/runtime/gguf.hpp"

namespace wye::runtime {

/// `a Python pickle, which can run code when loaded: refused`, `a ZIP archive`, `empty` … For messages; never fails.
std::string describe_artefact(ByteSource& source);

}  // namespace wye::runtime
