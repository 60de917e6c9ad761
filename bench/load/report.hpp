#pragma once
// The result of a run as one JSON object.
#include <string>

#include "engine.hpp"
#include "options.hpp"

namespace wye::bench::load {

std::string to_json(const Options& options, const Outcome& outcome);

}  // namespace wye::bench::load
