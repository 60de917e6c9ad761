#include "app/loopback_redirect.hpp"

#include "foundation/crypto/digest.hpp"
#include "foundation/http/server.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "identity/issuer/form.hpp"

namespace wye::app {
namespace {

constexpr std::string_view kPath = "/callback";
constexpr Nanos kLastWords = std::chrono::seconds(2);

class CallbackHandler final : public http::Handler {
 public:
  explicit CallbackHandler(net::Loop& loop) : loop_(loop) {}
  std::string state;
  std::optional<RedirectAnswer> answered;
  http::Server* server = nullptr;
  net::Scope scope;

  net::Task<void> answer(http::ServerCall& call) override {
    if (call.head().method != http::Method::kGet || call.target().path() != kPath) co_return co_await say(call, 404, "Nothing is here.");
    const Result<issuer::Form> form = issuer::Form::parse(call.target().query());
    if (!form || answered || !crypto::equal_constant_time(form->value("state"), state))
      co_return co_await say(call, 400, "This is not the answer that is waited for.");
    answered = RedirectAnswer{std::string(form->value("code")), std::string(form->value("error")), std::string(form->value("error_description")),
                              std::string(form->value("iss"))};
    co_await say(call, 200, answered->error.empty() ? "You are signed in. You may close this page." : "You are not signed in.");
    scope.spawn(end());
  }
  net::Task<void> refuse(http::ServerCall& call, Error error) override { co_await say(call, error_row(error.code).status, "That is no request."); }

 private:
  net::Task<void> say(http::ServerCall& call, int status, std::string_view text) {
    const std::array fields = {http::OutField{"cache-control", "no-store"}, http::OutField{"referrer-policy", "no-referrer"}};
    const std::string body = std::string(text) + "\n";
    const iovec piece = net::piece(body);
    co_await call.respond({status, "text/plain; charset=utf-8", fields}, {&piece, 1});
  }
  net::Task<void> end() {
    co_await server->drain(kLastWords);
    loop_.stop();
  }
  net::Loop& loop_;
};

}  // namespace

struct LoopbackRedirect::Listening {
  std::unique_ptr<net::Loop> loop;
  http::ConnectionCount count{16};
  std::optional<CallbackHandler> handler;
  std::unique_ptr<http::Server> server;
};

LoopbackRedirect::LoopbackRedirect(std::unique_ptr<Listening> listening) : listening_(std::move(listening)) {
  uri_ = "http://127.0.0.1:" + std::to_string(listening_->server->local().port) + std::string(kPath);
}
LoopbackRedirect::~LoopbackRedirect() = default;

Result<std::unique_ptr<LoopbackRedirect>> LoopbackRedirect::open(const Clock& clock) {
  auto listening = std::make_unique<Listening>();
  TRY(listening->loop, net::make_epoll_loop(clock));
  TRY(auto listener, listening->loop->listen(net::Endpoint::loopback(0)));
  listening->handler.emplace(*listening->loop);
  listening->server = std::make_unique<http::Server>(*listening->loop, clock, *listening->handler, listening->count, std::move(listener),
                                                     http::ServerOptions{.listener_name = "callback"});
  listening->handler->server = listening->server.get();
  return std::unique_ptr<LoopbackRedirect>(new LoopbackRedirect(std::move(listening)));
}

Result<RedirectAnswer> LoopbackRedirect::wait(std::string_view state, Nanos limit) {
  CallbackHandler& handler = *listening_->handler;
  net::Loop& loop = *listening_->loop;
  handler.state = state;
  loop.post([this, &loop, limit] {
    listening_->server->start();
    loop.call_at(loop.now() + limit, [&loop] { loop.stop(); });
  });
  loop.run();
  if (!handler.answered) return Fail(public_error(ErrorCode::kTimeout, "Nobody signed in in time."));
  return std::move(*handler.answered);
}

}  // namespace wye::app
