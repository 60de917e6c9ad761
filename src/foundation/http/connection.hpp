// One HTTP/1.1 connection of the server. Private to foundation/http.
#pragma once

#include "foundation/http/framing.hpp"
#include "foundation/http/server.hpp"

namespace wye::http {

/// What a connection needs while it has a request, and not between two of them: most connections of a gateway idle.
struct RequestMemory {
  HeadParser parser{HeadParser::Kind::kRequest};
  Head head;
  Target target;
  std::array<char, 4096> head_out;
  std::vector<iovec> out;
};

/// Serves requests one after the other; is the ServerCall of the current one.
class Connection final : public ServerCall, private net::HangupListener {
 public:
  Connection(Server& server, std::unique_ptr<net::Stream> stream);
  ~Connection();

  net::Task<void> run();
  /// Ends what it does now, whatever that is.
  void cut() { gone_.request(); }

  const Head& head() const override { return at_->head; }
  const Target& target() const override { return at_->target; }
  net::Endpoint peer() const override { return stream_->peer(); }
  std::span<const std::string> peer_certificates() const override { return stream_->peer_certificates(); }
  std::unique_ptr<ConnectionNote>& note() override { return note_; }
  std::string_view listener() const override { return server_.options_.listener_name; }
  MonoTime arrived() const override { return arrived_; }
  net::Cancel& gone() override { return gone_; }
  bool client_gone() const override { return client_gone_ || stream_->peer_closed(); }
  net::Task<Result<std::span<char>>> read_body(size_t max) override;
  net::Task<net::Io> respond(ResponseHead head, std::span<const iovec> body) override;
  net::Task<net::Io> start(ResponseHead head, std::span<const iovec> first) override;
  net::Task<net::Io> write(std::span<const iovec> pieces) override;
  bool write_now(std::span<const iovec> pieces) override;
  net::Task<net::Io> write_rest() override;
  net::Task<net::Io> finish(std::span<const iovec> last) override;
  bool started() const override { return answer_ != Answer::kNone; }
  uint64_t bytes_out() const override { return bytes_out_; }
  uint64_t bytes_in() const override { return at_->head.size + body_bytes_; }

  // For the server's list of connections.
  Connection* next = nullptr;
  Connection* previous = nullptr;

 private:
  enum class Answer : uint8_t { kNone, kStreaming, kDone, kFailed };
  enum class Read : uint8_t { kRequest, kRefuse, kEnd };

  void on_hangup() override {
    client_gone_ = true;
    gone_.request();
  }
  net::Task<Read> next_request();
  net::Task<bool> await_bytes();
  void take_memory();
  void give_memory();
  net::Task<Read> receive_head();
  net::Task<void> answer_current();
  void begin_request(Read read);
  bool is_old() const;
  void end_request();
  bool body_left();
  std::string_view write_head(const ResponseHead& head, std::optional<uint64_t> length);
  size_t gather(std::span<const iovec> pieces);
  void frame(size_t payload, bool last);
  net::Task<net::Io> send(size_t payload, net::Cancel& cancel);
  Result<void> check_request();
  net::Task<Result<std::span<char>>> read_sized(uint64_t length);
  net::Task<Result<std::span<char>>> read_chunked(size_t max);
  net::Task<Result<size_t>> receive_body(std::span<char> space);
  net::Task<void> linger();
  net::Bound bound(Nanos d, net::Cancel* cancel) const { return {server_.loop_.after(d), cancel}; }

  Server& server_;
  std::unique_ptr<net::Stream> stream_;
  net::Cancel gone_;
  // What every chunk of a stream looks at stands together.
  uint64_t bytes_out_ = 0;
  Answer answer_ = Answer::kNone;
  bool chunked_answer_ = false;
  bool bodiless_answer_ = false;
  bool body_read_ = false;
  bool close_ = false;
  bool client_gone_ = false;
  std::string rest_;                // of write_now: what the socket did not take
  BodyFraming framing_;
  std::optional<Error> refusal_;
  std::unique_ptr<RequestMemory> at_;  // of the current request; like the buffer held only while one is there
  std::unique_ptr<char[]> buffer_;     // BufferPool::kBytes and spare
  size_t filled_ = 0;               // bytes in buffer_
  size_t consumed_ = 0;             // of these, how many belong to the current request
  std::unique_ptr<char[]> large_;   // a body that does not fit buffer_
  std::array<char, 24> chunk_size_;
  std::unique_ptr<ConnectionNote> note_;
  MonoTime arrived_;
  MonoTime born_;
  MonoTime body_begun_;
  MonoTime window_begun_;      // within it kBodyRateWindow's worth of the body must come
  uint64_t window_bytes_ = 0;
  bool body_came_ = false;     // at least one byte of the body
  uint64_t body_bytes_ = 0;
  int requests_ = 0;
  int pipelined_ = 0;          // requests in a row that were complete in buffer_ before their turn
};

}  // namespace wye::http
