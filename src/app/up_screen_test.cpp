#include "app/up_screen.hpp"

namespace wye::app {
namespace {

using provider::Health;
using std::chrono::seconds;

class UpScreenTest : public ::testing::Test {
 protected:
  UpScreen screen(ScreenKind kind) {
    return UpScreen(kind, [this](std::string_view text) { out_ += text; });
  }
  std::string take() { return std::exchange(out_, {}); }
  std::string out_;
};

TEST_F(UpScreenTest, WithoutATerminalEachChangeIsOnePlainLine) {
  UpScreen plain = screen({});
  plain.show({{"model/a", Health::kStarting, "loading"}, {"route/r"}}, seconds(0));
  EXPECT_EQ(take(), "  starting  model/a  loading\n  starting  route/r\n");
  plain.show({{"model/a", Health::kStarting, "loading"}, {"route/r"}}, seconds(1));
  EXPECT_EQ(take(), "");
  plain.show({{"model/a", Health::kLive}, {"route/r"}}, seconds(2));
  EXPECT_EQ(take(), "  ready     model/a\n");
}

TEST_F(UpScreenTest, OnATerminalRowsAreDrawnAgainInPlace) {
  UpScreen live = screen({.moves = true});
  live.show({{"model/a"}, {"route/r"}}, seconds(0));
  EXPECT_EQ(take(), "  starting  model/a  0 s\n  starting  route/r  0 s\n");
  live.show({{"model/a"}, {"route/r"}}, seconds(0));
  EXPECT_EQ(take(), "");
  live.show({{"model/a"}, {"route/r", Health::kLive}}, seconds(3));
  EXPECT_EQ(take(), "\x1b[2A\x1b[0J  starting  model/a  3 s\n  ready     route/r\n");
  live.settle();
  live.show({{"model/a", Health::kBroken, "it fell"}, {"route/r", Health::kLive}}, seconds(9));
  EXPECT_EQ(take(), "  broken    model/a  it fell\n");
}

TEST_F(UpScreenTest, MoreRowsThanTheTerminalHasAreNotDrawnAgain) {
  UpScreen live = screen({.moves = true, .colour = false, .columns = 80, .rows = 4});
  live.show({{"a"}, {"b"}, {"c"}}, seconds(0));
  take();
  live.show({{"a"}, {"b", Health::kLive}, {"c"}}, seconds(1));
  EXPECT_EQ(take(), "  ready     b\n");
}

TEST_F(UpScreenTest, ReasonsNeitherWrapNorSteerTheTerminal) {
  UpScreen live = screen({.moves = true, .colour = false, .columns = 40});
  live.show({{"model/a", Health::kBroken, "\x1b[2J\n" + std::string(200, 'x')}}, seconds(0));
  const std::string text = take();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_LE(text.size(), 41U);
  UpScreen colour = screen({.moves = false, .colour = true});
  colour.show({{"model/a", Health::kLive}}, seconds(0));
  EXPECT_EQ(take(), "  \x1b[32mready    \x1b[0m model/a\n");
}

}  // namespace
}  // namespace wye::app
