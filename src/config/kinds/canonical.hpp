// Values of the kinds as JSON text. One spelling for each value, the one that documents use: the canonical form, defaults in
// the schema and defaults on the reference page are the same text. Threads: pure functions.
#pragma once

#include "config/kinds/kinds.hpp"

namespace wye::config {

/// Appends `text` as a JSON string. Control characters are escaped; other bytes are kept.
void append_json_string(std::string& out, std::string_view text);

/// The spec with every effective value in the order of the reference page; what is unset and has no default is left out.
/// Defined for every kind of kKinds.
template <class Spec>
std::string canonical_json(const Spec& spec);

inline bool is_unset(const std::string& v) { return v.empty(); }
inline bool is_unset(const FilePath& v) { return v.empty(); }
inline bool is_unset(Bytes v) { return v.n == 0; }
inline bool is_unset(uint32_t v) { return v == 0; }
inline bool is_unset(bool v) { return !v; }
inline bool is_unset(ActionSet v) { return v.empty(); }
inline bool is_unset(const TextLists& v) { return v.empty(); }
template <class T>
bool is_unset(const std::optional<T>& v) {
  return !v.has_value();
}
template <class T>
bool is_unset(const std::vector<T>& v) {
  return v.empty();
}
template <class E>
bool is_unset(EnumSet<E> v) {
  return v.empty();
}
template <class T>
bool is_unset(const T&) {
  return false;
}

/// Writes members one by one; each `describe` is handed one of these.
class CanonicalWriter {
 public:
  explicit CanonicalWriter(std::string& out) : out_(out) { out_ += '{'; }
  ~CanonicalWriter() { out_ += '}'; }
  CanonicalWriter(const CanonicalWriter&) = delete;
  CanonicalWriter& operator=(const CanonicalWriter&) = delete;

  template <class T>
  void field(std::string_view name, const T& value, const Rule& rule) {
    // Strings and paths without a value say nothing; other values are left out only where the rule gives absence a meaning.
    const bool text = std::is_same_v<T, std::string> || std::is_same_v<T, FilePath>;
    if (is_unset(value) && (text || !rule.absent.empty())) return;
    if (!first_) out_ += ',';
    first_ = false;
    append_json_string(out_, name);
    out_ += ':';
    write(out_, value);
  }
  void refused(std::string_view) {}

  static void write(std::string& out, const std::string& v) { append_json_string(out, v); }
  static void write(std::string& out, const FilePath& v) { append_json_string(out, v.written); }
  static void write(std::string& out, bool v) { out += v ? "true" : "false"; }
  static void write(std::string& out, uint16_t v) { out += std::to_string(v); }
  static void write(std::string& out, uint32_t v) { out += std::to_string(v); }
  static void write(std::string& out, Nanos v) { append_json_string(out, format_duration(v)); }
  static void write(std::string& out, Bytes v) { append_json_string(out, format_bytes(v)); }
  static void write(std::string& out, WallTime v) { append_json_string(out, rfc3339(v)); }
  static void write(std::string& out, ActionSet set) {
    out += '[';
    for (size_t i = 0; i < kActionCount; ++i) {
      if (!set.contains(static_cast<Action>(i))) continue;
      if (out.back() != '[') out += ',';
      append_json_string(out, EnumNames<Action>::kNames[i].text);
    }
    out += ']';
  }
  static void write(std::string& out, const TextLists& lists) {
    out += '{';
    for (const auto& [name, texts] : lists) {
      if (out.back() != '{') out += ',';
      append_json_string(out, name);
      out += ':';
      write(out, texts);
    }
    out += '}';
  }
  template <class E>
    requires std::is_enum_v<E>
  static void write(std::string& out, E v) {
    append_json_string(out, to_string(v));
  }
  template <class E>
  static void write(std::string& out, EnumSet<E> set) {
    out += '[';
    bool first = true;
    for (size_t i = 0; i < EnumNames<E>::kNames.size(); ++i) {
      if (!set.contains(static_cast<E>(i))) continue;
      if (!first) out += ',';
      first = false;
      append_json_string(out, EnumNames<E>::kNames[i].text);
    }
    out += ']';
  }
  template <class T>
  static void write(std::string& out, const std::optional<T>& v) {
    if (v) {
      write(out, *v);
    } else {
      out += "null";
    }
  }
  template <class T>
  static void write(std::string& out, const std::vector<T>& items) {
    out += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ',';
      write(out, items[i]);
    }
    out += ']';
  }
  template <class T>
    requires requires(const T& v, CanonicalWriter& w) { T::describe(v, w); }
  static void write(std::string& out, const T& v) {
    CanonicalWriter inner(out);
    T::describe(v, inner);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace wye::config
