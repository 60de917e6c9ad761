// The pool of idle connections to one place.
#include "foundation/http/client.hpp"

namespace wye::http {

class Origin::Idle final : public net::HangupListener {
 public:
  explicit Idle(Origin& origin) : origin_(origin) {}
  ~Idle() {
    if (stream_ != nullptr) stream_->set_hangup_listener(nullptr);
  }
  void hold(std::unique_ptr<net::Stream> stream, MonoTime since) {
    stream_ = std::move(stream);
    stream_->set_hangup_listener(this);
    since_ = since;
  }
  std::unique_ptr<net::Stream> take() {
    stream_->set_hangup_listener(nullptr);
    return std::move(stream_);
  }
  void on_hangup() override { origin_.drop(this); }
  MonoTime since() const { return since_; }

 private:
  Origin& origin_;
  std::unique_ptr<net::Stream> stream_;
  MonoTime since_;
};

Origin::Origin(net::Loop& loop, net::Resolver& resolver, net::DialTarget target) : loop_(loop), resolver_(resolver), target_(std::move(target)) {}

Origin::~Origin() {
  if (sweep_) loop_.cancel_call(*sweep_);
}

void Origin::close_idle() { idle_.clear(); }

std::unique_ptr<net::Stream> Origin::take() {
  while (!idle_.empty()) {
    std::unique_ptr<net::Stream> stream = idle_.back()->take();
    // The empty place is kept for the next one: a call allocates nothing.
    spare_.push_back(std::move(idle_.back()));
    idle_.pop_back();
    if (!stream->disturbed()) return stream;
  }
  return nullptr;
}

void Origin::give(std::unique_ptr<net::Stream> stream) {
  if (idle_.size() >= kIdleMax || stream->disturbed()) return;
  std::unique_ptr<Idle> idle;
  if (spare_.empty()) {
    idle = std::make_unique<Idle>(*this);
  } else {
    idle = std::move(spare_.back());
    spare_.pop_back();
  }
  idle->hold(std::move(stream), loop_.now());
  idle_.push_back(std::move(idle));
  if (!sweep_) sweep_ = loop_.call_at(loop_.now() + kIdleTime, [this] { sweep(); });
}

void Origin::sweep() {
  sweep_.reset();
  spare_.clear();
  // The oldest stand in front.
  const auto young = std::ranges::find_if(idle_, [&](const auto& idle) { return loop_.now() - idle->since() < kIdleTime; });
  idle_.erase(idle_.begin(), young);
  if (!idle_.empty()) sweep_ = loop_.call_at(idle_.front()->since() + kIdleTime, [this] { sweep(); });
}

void Origin::drop(Idle* gone) {
  std::erase_if(idle_, [&](const auto& idle) { return idle.get() == gone; });
}

}  // namespace wye::http
