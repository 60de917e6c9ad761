// The grammar over a structural index: fills the flat node array. Private to this room.
#pragma once

#include "foundation/json/document.hpp"
#include "foundation/json/fault.hpp"

namespace wye::json {

/// What the parser needs beside the nodes; kept for the next parse.
struct ParserStacks {
  /// An object or array that is not closed yet.
  struct Frame {
    uint32_t node = 0;
    uint32_t count = 0;              // children begun
    bool object = false;
    bool suspect = false;            // two names share a bit of `seen`
    std::array<uint64_t, 4> seen{};  // one bit for each digest of a name
  };
  /// A member name of an object whose names are compared.
  struct Key {
    uint64_t hash = 0;
    uint32_t node = 0;
    uint32_t text = 0;    // first byte, in the source or, if unescaped, in `names`
    uint32_t size = 0;
    bool unescaped = false;
  };
  std::vector<Frame> frames;  // as many as were ever needed; the first one stands for the text itself
  std::vector<Key> keys;
  std::string names;
};

/// One parse. `nodes` has room for as many values as the limits and the index allow.
class Parser {
 public:
  Parser(std::string_view text, std::span<const uint32_t> positions, const Limits& limits, std::span<Node> nodes, ParserStacks& stacks);

  /// Reads everything; false: `fault` says what is wrong.
  bool run();
  uint32_t node_count() const { return state_.count; }
  Fault fault() const { return fault_; }
  /// The path of the value at fault, for messages.
  std::string fault_path() const;

 private:
  using Frame = ParserStacks::Frame;
  using Key = ParserStacks::Key;
  /// What changes with every token. A local of `run`, so that it lives in registers.
  struct State {
    const uint32_t* next = nullptr;  // position to read next
    Node* nodes = nullptr;
    Frame* frame = nullptr;  // innermost; the first one stands for the text itself
    uint32_t count = 0;      // nodes written
    uint32_t key_begin = 0;  // of the member whose value comes; all three are 0 where there is none
    uint32_t key_end = 0;
    bool key_escaped = false;
    void forget_key() {
      key_begin = 0;
      key_end = 0;
      key_escaped = false;
    }
  };
  enum class Step : uint8_t { kValue, kClosed, kFault };

  bool run(State& s);
  bool advance(State& s, uint32_t& at);
  bool value(State& s, uint32_t at);
  bool container(State& s, uint32_t at, Kind kind);
  bool literal(State& s, uint32_t at, std::string_view word, Kind kind);
  bool number(State& s, uint32_t at);
  bool string_end(const State& s, uint32_t at, uint32_t& end, bool& escaped);
  bool add(State& s, uint32_t begin, uint32_t end, Kind kind, bool escaped);
  Step after(State& s, uint32_t& at);
  Step close(State& s, uint32_t at);
  bool member(State& s, uint32_t& at);
  void note_name(const State& s, Frame& frame);

  bool fail(FaultKind kind, size_t offset);
  bool check_string_escapes(const char* backslash, const char* close);
  /// Room for one more level: where `frame` stands then, or null when the limit forbids it.
  Frame* grow_frames(const Frame* frame);
  uint64_t hash_escaped(uint32_t key_begin, uint32_t key_end);
  uint64_t hash_at(const char* name, size_t size) const;
  /// Compares the names of a suspect object exactly; returns the node of the second of two equal ones, or 0.
  uint32_t find_duplicate(const Frame& frame, const Node* nodes);
  std::string_view key_text(const Key& key) const;

  const char* text_;
  const char* end_;
  const uint32_t* positions_end_;
  uint32_t nodes_max_;
  Frame* frames_ = nullptr;
  Frame* frames_last_ = nullptr;  // the innermost one there may be without growing
  const Limits& limits_;
  ParserStacks& stacks_;
  State state_;
  Fault fault_;
};

}  // namespace wye::json
