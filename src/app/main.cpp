// The program: real time, real randomness and the real environment enter here and nowhere else.
#include "app/command_line.hpp"

int main(int argc, char** argv) {
  const wye::SystemClock clock;
  const wye::app::Outside outside{clock,
                                  [](const char* name) {
                                    const char* value = std::getenv(name);
                                    return value == nullptr ? std::string() : std::string(value);
                                  },
                                  [](const std::string& name) -> std::optional<std::string> {
                                    char* value = std::getenv(name.c_str());
                                    if (value == nullptr) return std::nullopt;
                                    std::string taken = value;
                                    // Forgetting a variable leaves its bytes where /proc/PID/environ shows them.
                                    for (volatile char* at = value; *at != 0; at = at + 1) *at = 0;
                                    ::unsetenv(name.c_str());
                                    return taken;
                                  }};
  return wye::app::run_command_line(argc, argv, outside);
}
