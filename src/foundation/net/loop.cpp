#include "foundation/net/loop.hpp"

namespace wye::net {

bool Accept::await_ready() {
  if (bound_.cancel != nullptr && bound_.cancel->requested()) return true;
  return attempt();
}

std::unique_ptr<char[]> BufferPool::take() {
  if (free_.empty()) return std::make_unique_for_overwrite<char[]>(kBytes + kSpare);
  auto buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

void BufferPool::give(std::unique_ptr<char[]> buffer) {
  if (buffer != nullptr && free_.size() < kKept) free_.push_back(std::move(buffer));
}

Result<std::unique_ptr<Listener>> Loop::listen_local(const std::string& path) {
  return Fail(internal_error(ErrorCode::kIo, "this engine has no local sockets: " + path));
}
Result<std::unique_ptr<Stream>> Loop::open_local(const std::string& path) {
  return Fail(internal_error(ErrorCode::kIo, "this engine has no local sockets: " + path));
}

Loop::TimerToken Loop::call_at(MonoTime at, Job job) {
  const TimerToken token = ++next_token_;
  calls_.emplace(Call{at, token}, std::move(job));
  call_times_.emplace(token, at);
  return token;
}

void Loop::cancel_call(TimerToken token) {
  const auto found = call_times_.find(token);
  if (found == call_times_.end()) return;
  calls_.erase(Call{found->second, token});
  call_times_.erase(found);
}

MonoTime Loop::run_timers() {
  wheel_.advance(now_);
  while (!calls_.empty() && calls_.begin()->first.at <= now_) {
    auto node = calls_.extract(calls_.begin());
    call_times_.erase(node.key().token);
    node.mapped()();
  }
  const MonoTime next_call = calls_.empty() ? MonoTime{INT64_MAX} : calls_.begin()->first.at;
  return std::min(next_call, wheel_.next_look());
}

Sleep::~Sleep() {
  if (token_) loop_.cancel_call(*token_);
}

bool Sleep::await_ready() {
  if (cancel_ == nullptr || !cancel_->requested()) return false;
  status_ = IoStatus::kCancelled;
  return true;
}

void Sleep::await_suspend(std::coroutine_handle<> h) {
  slot_.wait(*this, h, {Deadline::never(), cancel_});
  token_ = loop_.call_at(loop_.now() + duration_, [this] {
    token_.reset();
    slot_.notify();
  });
}

}  // namespace wye::net
