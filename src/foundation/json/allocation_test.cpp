// The hot path of the room allocates nothing once it is warm.
#include "foundation/base/test_allocations.hpp"
#include "foundation/json/names.hpp"
#include "foundation/json/patch.hpp"
#include "foundation/json/scan.hpp"
#include "foundation/json/writer.hpp"

namespace wye::json {
namespace {

using test::allocations;

/// One request and one stream event as the gateway reads and edits them; returns the size of the edited text.
size_t one_round(std::string_view body, Document& d, Patch& patch, std::string& out) {
  static constexpr std::array<std::string_view, 3> kNames = {"model", "messages", "stream"};
  if (!d.parse(body) || KnownNames(kNames).find_variant(d.root())) return 0;
  patch.start(d);
  patch.replace_string(*d.root().find("model"), "the-name-of-the-deployment-upstream");
  patch.insert_member(d.root(), "stream_options", R"({"include_usage":true})");
  patch.remove_member(d.root(), "user");
  if (!patch.pieces()) return 0;
  std::array<std::string_view, 3> values;
  if (!find_members(body, kNames, values)) return 0;
  out.clear();
  Writer(out).begin_object().string("id", "x").integer("n", 1).number("d", 0.5).end_object();
  return patch.size();
}

TEST(Allocations, NoneInSteadyState) {
  std::string body = R"({"model":"m","user":"u\u0031","t\u006fols":[{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8}],"messages":[)";
  for (int i = 0; i < 100; ++i) body += R"({"role":"user","content":"some text with \"escapes\" that goes on"},)";
  body += "{}]}";
  Document d;
  Patch patch;
  std::string out;
  ASSERT_GT(one_round(body, d, patch, out), body.size());
  EXPECT_GT(allocations, 0U);  // the counter counts
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) one_round(body, d, patch, out);
  const size_t after = allocations;
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace wye::json
