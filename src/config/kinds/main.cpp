// The program that writes the reference page of resources: `tools/wye-dev reference` runs it.
#include <cstdio>

#include "config/kinds/field_tree.hpp"

int main() {
  const std::string page = wye::config::reference_markdown();
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
