// JSON as YAML that people read and the loader reads back. Source: YAML 1.2.2 block style; texts that another reader could take for
// something else are quoted as JSON quotes them, which YAML understands.
// Threads: pure.
#pragma once

#include "foundation/json/document.hpp"

namespace wye::app {

/// One document without its `---`; ends with a line break.
std::string to_yaml(json::Value value);

}  // namespace wye::app
