#include "identity/audit/trail.hpp"

namespace wye::audit {
namespace {

/// How long the writer sleeps where something is due soon, and where nothing is.
constexpr Nanos kSoon = std::chrono::milliseconds(100);
constexpr Nanos kLater = std::chrono::seconds(10);
constexpr Nanos kRetryEvery = std::chrono::seconds(1);
constexpr int kEndTurnsMax = 3;

WallTime to_ms(WallTime t) { return {t.ns - t.ns % 1'000'000}; }

Record own_event(std::string event, std::vector<Fact> detail) {
  Record record;
  record.event = std::move(event);
  record.detail = std::move(detail);
  return record;
}

}  // namespace

Result<std::optional<Head>> stored_head(store::Table& heads, std::string_view chain) {
  TRY(const std::optional<store::Record> found, heads.get(kHeadCollection, chain));
  if (!found) return std::optional<Head>();
  const std::optional<Head> head = decode_head(found->value);
  if (!head) return Fail(internal_error(ErrorCode::kCorrupt, "audit: the stored head of " + std::string(chain) + " means nothing"));
  return head;
}

Trail::Trail(TrailOptions options, std::unique_ptr<ChainFile> file, store::Table& heads, const Clock& clock)
    : options_(std::move(options)),
      file_(std::move(file)),
      heads_(heads),
      clock_(clock) {}

Result<std::unique_ptr<Trail>> Trail::open(TrailOptions options, std::unique_ptr<ChainFile> file, store::Table& heads, const Clock& clock) {
  std::unique_ptr<Trail> trail(new Trail(std::move(options), std::move(file), heads, clock));
  CHECK_OK(trail->take_up());
  trail->thread_ = std::thread([self = trail.get()] { self->run(); });
  return trail;
}

Trail::~Trail() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

/// The last whole line, and what it says where it is a record. What is behind it is cut off.
Result<std::optional<Sealed>> Trail::last_record(std::string& last_line) {
  TRY(const uint64_t size, file_->size());
  std::string tail;  // from `begin` to the end of the file
  uint64_t begin = size;
  const auto lines = [&] { return std::ranges::count(tail, '\n'); };
  while (begin > 0 && lines() < 2) {
    const uint64_t from = begin > kLineBytesMax ? begin - kLineBytesMax : 0;
    TRY(const std::string piece, file_->read(from, begin - from));
    if (piece.size() != begin - from) return Fail(internal_error(ErrorCode::kIo, "audit: the file became shorter while it was read"));
    tail.insert(0, piece);
    begin = from;
  }
  const size_t end = tail.rfind('\n');
  const size_t whole = end == std::string::npos ? 0 : end + 1;
  if (whole < tail.size()) {
    const std::string_view torn = std::string_view(tail).substr(whole);
    CHECK_OK(file_->truncate(begin + whole));
    queue_.push_back({clock_.wall(), own_event("audit.recovered", {{"cut_bytes", std::to_string(torn.size())},
                                                                   {"cut_digest", crypto::digest_text(crypto::sha256(torn))}})});
  }
  if (whole == 0) return std::optional<Sealed>();
  const size_t before = end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
  const size_t front = before == std::string::npos ? 0 : before + 1;
  last_line = tail.substr(front, end - front);
  return decode(last_line);
}

Result<void> Trail::take_up() {
  TRY(const std::optional<Head> stored, stored_head(heads_, options_.chain));
  std::string line;
  TRY(const std::optional<Sealed> last, last_record(line));
  if (last) head_ = {last->seq, hash_of(*last, line)};
  stored_ = stored.value_or(Head{});
  const bool other = stored && (head_.seq < stored->seq || (head_.seq == stored->seq && head_.hash != stored->hash));
  const bool unreadable = !last && !line.empty();
  if (other || unreadable) {
    // Going on from the stored head leaves the place where records are missing to be seen by everyone who verifies.
    const std::string found = unreadable ? "unreadable" : std::to_string(head_.seq);
    if (stored && (other || unreadable)) head_ = *stored;
    queue_.insert(queue_.begin(), {clock_.wall(), own_event("audit.resumed", {{"found", found}, {"expected", std::to_string(stored_.seq)}})});
  }
  queue_.push_back({clock_.wall(), own_event("audit.started", {{"chain", options_.chain}})});
  return {};
}

bool Trail::push(Record record) {
  const size_t bytes = text_bytes(record);
  if (queue_.size() >= options_.queue_records || queued_bytes_ + bytes > options_.queue_bytes) {
    ++dropped_now_;
    ++dropped_;
    return false;
  }
  queued_bytes_ += bytes;
  queue_.push_back({clock_.wall(), std::move(record)});
  return true;
}

bool Trail::record(Record record) {
  Who& who = record.principal;
  if (options_.pseudonym && !who.subject.empty()) {
    who.subject = options_.pseudonym(who.tenant, who.subject);
    // A name of the token, and the application, would lead back to the person.
    who.token_id.clear();
  }
  make_presentable(record);
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    taken = push(std::move(record));
  }
  wake_.notify_one();
  return taken;
}

void Trail::anonymous(const AnonymousDenial& denial) {
  const MonoTime now = clock_.mono();
  {
    const std::lock_guard lock(mutex_);
    if (auto summary = anonymous_.summary(now)) push(std::move(*summary));
    if (!anonymous_.enter(denial.reason, now)) return;
  }
  Record sample;
  sample.event = "authn.deny";
  sample.request_id = denial.request_id;
  sample.action = denial.action;
  sample.decision = Decision::kDeny;
  sample.reason = denial.reason;
  sample.peer = denial.peer;
  sample.listener = denial.listener;
  sample.status = denial.status;
  record(std::move(sample));
}

bool Trail::flush(Nanos limit) {
  std::unique_lock lock(mutex_);
  const uint64_t asked = ++flush_asked_;
  wake_.notify_one();
  return flushed_.wait_for(lock, limit, [&] { return flush_done_ >= asked; });
}

bool Trail::healthy() const {
  const std::lock_guard lock(mutex_);
  return !failing_ && queue_.size() < options_.queue_records && queued_bytes_ < options_.queue_bytes;
}
uint64_t Trail::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}
uint64_t Trail::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

void Trail::seal(Record record, WallTime time) {
  make_presentable(record);
  const Sealed sealed{head_.seq + 1, to_ms(time), std::move(record), head_.hash};
  const std::string line = encode(sealed);
  head_ = {sealed.seq, hash_of(sealed, line, scratch_)};
  unwritten_ += line;
  unwritten_ += '\n';
  ++unwritten_records_;
}

bool Trail::write_out() {
  if (unwritten_.empty()) return true;
  if (!file_->append(unwritten_)) return false;
  unwritten_.clear();
  return true;
}

bool Trail::store_head() {
  if (stored_ == head_) return true;
  stored_at_ = clock_.mono();
  if (const auto written = heads_.put(kHeadCollection, options_.chain, encode_head(head_)); !written) return false;
  stored_ = head_;
  return true;
}

Trail::Batch Trail::take_batch() {
  std::unique_lock lock(mutex_);
  const auto due = [&] { return !queue_.empty() || dropped_now_ > 0 || ending_ || flush_asked_ > flush_done_; };
  if (failing_) {
    // Not again at once: a disk that refuses is not made better by haste. The end does not wait.
    wake_.wait_for(lock, kRetryEvery, [&] { return ending_; });
  } else {
    wake_.wait_for(lock, anonymous_.open() || head_waits_ ? kSoon : kLater, due);
  }
  if (auto summary = anonymous_.summary(clock_.mono(), ending_)) push(std::move(*summary));
  Batch batch;
  batch.flush = flush_asked_;
  batch.end = ending_;
  if (!unwritten_.empty()) return batch;  // what is queued stays there, so that the memory is bounded
  batch.records.swap(queue_);
  queued_bytes_ = 0;
  batch.dropped = std::exchange(dropped_now_, 0);
  return batch;
}

void Trail::run() {
  int end_turns = 0;
  for (;;) {
    Batch batch = take_batch();
    for (Waiting& waiting : batch.records) seal(std::move(waiting.record), waiting.time);
    if (batch.dropped > 0) seal(own_event("audit.gap", {{"dropped", std::to_string(batch.dropped)}}), clock_.wall());
    const uint64_t records = unwritten_records_;
    const bool written = write_out();
    if (written) unwritten_records_ = 0;
    bool stored = stored_ == head_;
    const bool wanted = batch.flush > flush_done_ || batch.end || clock_.mono() - stored_at_ >= kHeadEvery;
    if (written && !stored && wanted) stored = store_head();
    bool more = false;
    {
      const std::lock_guard lock(mutex_);
      failing_ = !written;
      head_waits_ = !stored;
      if (written) written_ += records;
      if (written && stored) flush_done_ = std::max(flush_done_, batch.flush);
      more = !queue_.empty() || dropped_now_ > 0;
    }
    flushed_.notify_all();
    if (!batch.end) continue;
    // A store that refuses the head keeps nobody from ending: what is behind the head is found at the next start.
    if ((written && stored && !more) || !written || ++end_turns == kEndTurnsMax) return;
  }
}

}  // namespace wye::audit
