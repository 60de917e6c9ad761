#pragma once
// Command-line flags of the bench programs: `--name value` or `--name=value`, repeatable where the program says so.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace wye::bench {

class Flags {
 public:
  using Take = std::function<bool(std::string_view value)>;  // false: the value is not acceptable

  void add(std::string name, std::string meaning, Take take) { items_.push_back({std::move(name), std::move(meaning), true, std::move(take)}); }
  void add_switch(std::string name, std::string meaning, bool& target);
  void add_text(std::string name, std::string meaning, std::string& target);
  void add_integer(std::string name, std::string meaning, int64_t& target, int64_t least, int64_t most);
  void add_number(std::string name, std::string meaning, double& target, double least, double most);

  // Reads all arguments. On an error, or for --help, prints to stderr and returns false.
  bool read(int argc, char** argv) const;

 private:
  struct Item {
    std::string name, meaning;
    bool takes_value;
    Take take;
  };
  const Item* find(std::string_view name) const;
  void print_help(const char* program) const;

  std::vector<Item> items_;
};

}  // namespace wye::bench
