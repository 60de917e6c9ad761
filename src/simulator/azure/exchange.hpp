// One request on its way through the simulated resource.
// Private to simulator/azure. Threads: one loop.
#pragma once

#include "simulator/azure/answer_sink.hpp"
#include "simulator/azure/place.hpp"
#include "simulator/azure/refusal.hpp"
#include "simulator/azure/simulator.hpp"

namespace wye::simulator {

class Exchange {
 public:
  Exchange(Simulator& simulator, http::ServerCall& call);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Answers, or ends the connection where a fault wants that.
  net::Task<void> run();
  net::Task<void> refuse(Refusal refusal);

 private:
  /// What a step found wrong; absent: go on.
  using Step = std::optional<Refusal>;

  Step check_line();
  Step check_key();
  net::Task<void> answer_models();
  net::Task<Step> read_request();
  Step check_age();
  Step admit();
  Step judge_prompt();
  net::Task<void> wait_as_told();

  Result<void> write_body();
  bool write_head(const Upstream& upstream, size_t body_bytes);
  net::Task<Step> ask();
  Step upstream_failed(const http::ClientCall& call, const Error& error);
  net::Task<Step> read_refusal(http::ClientCall& call);
  net::Task<Step> answer_embeddings(http::ClientCall& call);
  net::Task<Step> answer_generation(http::ClientCall& call);
  net::Task<Step> answer_whole(http::ClientCall& call, protocol::Operation spoken);
  net::Task<Step> relay(http::ClientCall& call, AnswerSink& sink);
  Result<void> take_events(AnswerSink& sink, http::SseScanner& scanner);
  Result<void> end_blocked(AnswerSink& sink);
  net::Task<bool> send_events(bool last);
  net::Task<Step> respond(std::string_view body);

  std::span<const http::OutField> fields();
  void add_field(std::string_view name, std::string value);
  void note(std::string_view event, std::string_view detail);
  net::Bound bound();

  Simulator& s_;
  http::ServerCall& call_;
  Place place_;
  Deployment* deployment_ = nullptr;
  std::optional<Admission> admission_;
  Markers markers_;
  std::optional<Fault> fault_;
  size_t trip_at_ = 0;   // the write of a stream at which a fault strikes
  size_t writes_ = 0;
  bool over_ = false;    // nothing more is said: the client has gone, or a fault wants silence
  std::string id_random_;
  std::string request_id_;
  json::Document document_;
  protocol::DecodedRequest request_;
  json::Patch patch_;
  std::string body_;     // of a bridged request
  std::string out_;
  std::array<char, 2048> head_;
  std::vector<iovec> pieces_;
  std::deque<std::string> texts_;
  std::vector<http::OutField> fields_;
};

}  // namespace wye::simulator
