// The command line, taken apart: which command, with what options. The only file that sees the parser's library is its .cpp.
#pragma once

#include "app/commands.hpp"

namespace wye::app {

/// Parses and runs one command; gives its exit code. Help and version go to standard output, mistakes to standard error.
int run_command_line(int argc, char** argv, const Outside& outside);

}  // namespace wye::app
