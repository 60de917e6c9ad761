#include "flags.hpp"

#include <charconv>
#include <cstdint>
#include <cstdio>

namespace wye::bench {
namespace {

template <class Number>
bool read_number(std::string_view text, Number least, Number most, Number& target) {
  Number value{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || !(value >= least && value <= most)) return false;
  target = value;
  return true;
}

}  // namespace

void Flags::add_switch(std::string name, std::string meaning, bool& target) {
  items_.push_back({std::move(name), std::move(meaning), false, [&target](std::string_view) { return target = true; }});
}

void Flags::add_text(std::string name, std::string meaning, std::string& target) {
  add(std::move(name), std::move(meaning), [&target](std::string_view value) {
    target = value;
    return !value.empty();
  });
}

void Flags::add_integer(std::string name, std::string meaning, int64_t& target, int64_t least, int64_t most) {
  add(std::move(name), std::move(meaning), [&target, least, most](std::string_view value) { return read_number(value, least, most, target); });
}

void Flags::add_number(std::string name, std::string meaning, double& target, double least, double most) {
  add(std::move(name), std::move(meaning), [&target, least, most](std::string_view value) { return read_number(value, least, most, target); });
}

const Flags::Item* Flags::find(std::string_view name) const {
  for (const Item& item : items_) {
    if (item.name == name) return &item;
  }
  return nullptr;
}

void Flags::print_help(const char* program) const {
  std::fprintf(stderr, "usage: %s [flags]\n", program);
  for (const Item& item : items_) {
    std::fprintf(stderr, "  --%-18s %s\n", (item.name + (item.takes_value ? " V" : "")).c_str(), item.meaning.c_str());
  }
}

bool Flags::read(int argc, char** argv) const {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--help") {
      print_help(argv[0]);
      return false;
    }
    if (!name.starts_with("--")) {
      std::fprintf(stderr, "error: unexpected argument %s\n  help: %s --help\n", argv[i], argv[0]);
      return false;
    }
    name.remove_prefix(2);
    const size_t equals = name.find('=');
    const Item* item = find(name.substr(0, equals));
    if (item == nullptr) {
      std::fprintf(stderr, "error: unknown flag %s\n  help: %s --help\n", argv[i], argv[0]);
      return false;
    }
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = name.substr(equals + 1);
    } else if (item->takes_value) {
      if (++i == argc) {
        std::fprintf(stderr, "error: --%s needs a value: %s\n", item->name.c_str(), item->meaning.c_str());
        return false;
      }
      value = argv[i];
    }
    if (!item->take(value)) {
      std::fprintf(stderr, "error: --%s does not take \"%.*s\": %s\n", item->name.c_str(), static_cast<int>(value.size()), value.data(),
                   item->meaning.c_str());
      return false;
    }
  }
  return true;
}

}  // namespace wye::bench
