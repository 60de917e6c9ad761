#include "foundation/net/engine_rig.hpp"
#include "foundation/net/test_certificates.hpp"

#include <fstream>

namespace wye::net {
namespace {

using namespace std::chrono_literals;

const ManualClock kNow;  // October 2025: inside the validity of the certificates

using TlsResult = Result<std::unique_ptr<Stream>>;
Task<void> serve(std::unique_ptr<Stream> inner, const TlsServerContext& context, TlsResult& out, Bound bound) {
  out = co_await tls_accept(std::move(inner), context, bound);
}

struct Secured {
  TlsResult client = Fail(internal_error(ErrorCode::kInternal, "not tried"));
  TlsResult server = Fail(internal_error(ErrorCode::kInternal, "not tried"));
};

Task<void> secure(Loop& loop, const TlsPairContexts& contexts, std::string name, Secured& out) {
  StreamPair pair = co_await connect_pair(loop);
  const Bound bound{loop.after(5s), nullptr};
  Scope scope;
  scope.spawn(serve(std::move(pair.server), *contexts.server, out.server, bound));
  out.client = co_await tls_connect(std::move(pair.client), *contexts.client, std::move(name), bound);
  co_await scope.join();
}

class TlsOverEngines : public testing::TestWithParam<Engine> {
 protected:
  EngineRig rig{GetParam()};
  Loop& loop = rig.loop();
  TlsPairContexts contexts{kNow};
};
std::string engine_name(const testing::TestParamInfo<Engine>& p) {
  constexpr std::array<const char*, 3> kNames = {"Epoll", "Sim", "FaultySim"};
  return kNames[static_cast<size_t>(p.param)];
}
INSTANTIATE_TEST_SUITE_P(All, TlsOverEngines, testing::Values(Engine::kEpoll, Engine::kSim, Engine::kFaultySim), engine_name);

Task<void> both_ways(Loop& loop, const TlsPairContexts& contexts, std::string_view up, std::string_view down, size_t piece_bytes) {
  Secured ends;
  co_await secure(loop, contexts, "gate.test", ends);
  EXPECT_TRUE(ends.client && ends.server);
  if (!ends.client || !ends.server) co_return;
  const Bound bound{loop.after(25s), nullptr};
  std::string got_up, got_down;
  IoStatus sent_up{}, sent_down{}, received_up{};
  Scope scope;
  scope.spawn(send_and_shut(**ends.client, up, sent_up, bound));
  scope.spawn(send_and_shut(**ends.server, down, sent_down, bound));
  scope.spawn(receive_all_into(**ends.server, got_up, received_up, bound));
  EXPECT_EQ(co_await receive_all(**ends.client, got_down, bound, piece_bytes), IoStatus::kEof);
  co_await scope.join();
  EXPECT_EQ(sent_up, IoStatus::kOk);
  EXPECT_EQ(sent_down, IoStatus::kOk);
  EXPECT_EQ(received_up, IoStatus::kEof);
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
}
TEST_P(TlsOverEngines, LargeTransfersBothWaysAtOnce) {
  const size_t size = GetParam() == Engine::kFaultySim ? 200'000 : 5'000'000;
  EXPECT_TRUE(rig.run(both_ways(loop, contexts, random_text(1, size), random_text(2, size), 4096)));
}
// One record holds 16 KiB: what OpenSSL has decrypted must not wait for a socket that has nothing more to say.
TEST_P(TlsOverEngines, BytesReadOneByOneAreNotLostInsideOpenSsl) {
  EXPECT_TRUE(rig.run(both_ways(loop, contexts, "short", random_text(3, 20'000), 1)));
}

Task<void> half_close(Loop& loop, const TlsPairContexts& contexts) {
  Secured ends;
  co_await secure(loop, contexts, "gate.test", ends);
  Stream& client = **ends.client;
  Stream& server = **ends.server;
  const Bound bound{loop.after(5s), nullptr};
  client.shutdown_send();
  client.shutdown_send();
  EXPECT_EQ(co_await send_all(client, "too late", bound), IoStatus::kFailed);
  std::string heard;
  EXPECT_EQ(co_await receive_all(server, heard, bound), IoStatus::kEof);
  EXPECT_EQ(co_await receive_all(server, heard, bound), IoStatus::kEof);
  EXPECT_TRUE(server.peer_closed());
  EXPECT_EQ(co_await send_all(server, "still talking", bound), IoStatus::kOk);
  server.shutdown_send();
  EXPECT_EQ(co_await receive_all(client, heard, bound), IoStatus::kEof);
  EXPECT_EQ(heard, "still talking");
}
TEST_P(TlsOverEngines, CloseNotifyIsEofAndTheOtherHalfGoesOn) { EXPECT_TRUE(rig.run(half_close(loop, contexts))); }

Task<void> truncate(Loop& loop, const TlsPairContexts& contexts) {
  Secured ends;
  co_await secure(loop, contexts, "gate.test", ends);
  const Bound bound{loop.after(5s), nullptr};
  EXPECT_EQ(co_await send_all(**ends.server, "half a mess", bound), IoStatus::kOk);
  ends.server->reset();  // no close_notify
  std::string heard;
  EXPECT_EQ(co_await receive_all(**ends.client, heard, bound), IoStatus::kFailed);
  EXPECT_EQ(heard, "half a mess");
  EXPECT_EQ((*ends.client)->failure(), "tls: peer closed without close_notify");
  EXPECT_EQ(co_await receive_all(**ends.client, heard, bound), IoStatus::kFailed);
  EXPECT_TRUE((*ends.client)->disturbed());
}
TEST_P(TlsOverEngines, AnEndWithoutCloseNotifyIsAFailure) { EXPECT_TRUE(rig.run(truncate(loop, contexts))); }

Task<void> stall(Loop& loop, const TlsPairContexts& contexts) {
  Secured ends;
  co_await secure(loop, contexts, "gate.test", ends);
  const std::string lump(30 << 20, 'x');
  EXPECT_EQ(co_await send_all(**ends.client, lump, {loop.after(200ms), nullptr}), IoStatus::kTimeout);
  std::array<char, 8> buffer;
  EXPECT_EQ((co_await receive_some(**ends.client, buffer, {loop.after(100ms), nullptr})).status, IoStatus::kTimeout);
}
TEST_P(TlsOverEngines, AStalledReaderEndsTheSendAtItsDeadline) { EXPECT_TRUE(rig.run(stall(loop, contexts))); }

Task<void> idle(Loop& loop, const TlsPairContexts& contexts) {
  Secured ends;
  co_await secure(loop, contexts, "gate.test", ends);
  co_await sleep(loop, 20ms);
  EXPECT_FALSE((*ends.client)->disturbed());
  EXPECT_FALSE((*ends.server)->disturbed());
  EXPECT_EQ(co_await send_all(**ends.server, "unasked", {loop.after(1s), nullptr}), IoStatus::kOk);
  co_await sleep(loop, 20ms);
  EXPECT_TRUE((*ends.client)->disturbed());
  std::array<char, 16> buffer;  // peeking took nothing away
  const Io io = co_await receive_some(**ends.client, buffer, {loop.after(1s), nullptr});
  EXPECT_EQ(std::string_view(buffer.data(), io.n), "unasked");
}
TEST_P(TlsOverEngines, AnIdleConnectionIsDisturbedByBytesOnly) { EXPECT_TRUE(rig.run(idle(loop, contexts))); }

Task<void> receive_and_die(std::unique_ptr<Stream> stream, Bound bound) {
  std::array<char, 8> buffer;
  co_await receive_some(*stream, buffer, bound);
  stream.reset();
}
Task<void> die_in_event(Loop& loop, const TlsPairContexts& contexts) {
  Secured ends;
  co_await secure(loop, contexts, "gate.test", ends);
  Scope scope;
  scope.spawn(receive_and_die(std::move(*ends.server), {loop.after(1s), nullptr}));
  EXPECT_EQ(co_await send_all(**ends.client, "x", {loop.after(1s), nullptr}), IoStatus::kOk);
  co_await scope.join();
}
TEST_P(TlsOverEngines, MayDieInsideItsOwnEvent) { EXPECT_TRUE(rig.run(die_in_event(loop, contexts))); }

struct Refusal {
  const char* what;
  CertificateSpec spec;
  std::string host;
  std::string reason;  // empty: accepted
};
TEST(TlsCertificates, OnlyTheRightOneIsAccepted) {
  constexpr int64_t kNowS = 1'760'000'000;
  const std::vector<Refusal> rows = {
      {"right", {.names = {"gate.test"}}, "gate.test", ""},
      {"second name", {.names = {"a.test", "gate.test"}}, "GATE.test.", ""},
      {"wildcard", {.names = {"*.gate.test"}}, "a.gate.test", ""},
      {"wildcard two deep", {.names = {"*.gate.test"}}, "a.b.gate.test", "hostname mismatch"},
      {"wildcard itself", {.names = {"*.gate.test"}}, "gate.test", "hostname mismatch"},
      {"partial wildcard", {.names = {"a*.gate.test"}}, "ab.gate.test", "hostname mismatch"},
      {"inner wildcard", {.names = {"a.*.test"}}, "a.gate.test", "hostname mismatch"},
      {"wrong host", {.names = {"gate.test"}}, "other.test", "hostname mismatch"},
      {"suffix", {.names = {"gate.test"}}, "evilgate.test", "hostname mismatch"},
      {"common name only", {.names = {}, .common_name = "gate.test"}, "gate.test", "hostname mismatch"},
      {"expired", {.names = {"gate.test"}, .not_after_s = kNowS - 1}, "gate.test", "certificate has expired"},
      {"early", {.names = {"gate.test"}, .not_before_s = kNowS + 60}, "gate.test", "certificate is not yet valid"},
      {"self-signed", {.names = {"gate.test"}, .self_signed = true}, "gate.test", "self-signed certificate"},
      {"address", {.names = {"127.0.0.1", "::1"}}, "127.0.0.1", ""},
      {"address, v6", {.names = {"127.0.0.1", "::1"}}, "[::1]", ""},
      {"wrong address", {.names = {"127.0.0.1"}}, "127.0.0.2", "IP address mismatch"},
      {"address as a name", {.names = {"gate.test"}}, "127.0.0.1", "IP address mismatch"},
      {"address in the common name", {.names = {}, .common_name = "127.0.0.1"}, "127.0.0.1", "IP address mismatch"},
      {"for clients", {.names = {"gate.test"}, .for_clients = true}, "gate.test", "unsuitable certificate purpose"},
  };
  for (const Refusal& row : rows) {
    SCOPED_TRACE(row.what);
    EngineRig rig(Engine::kSim);
    const TlsPairContexts contexts(kNow, row.spec);
    Secured ends;
    EXPECT_TRUE(rig.run(secure(rig.loop(), contexts, row.host, ends)));
    if (row.reason.empty()) {
      EXPECT_TRUE(ends.client) << ends.client.error().detail;
      continue;
    }
    ASSERT_FALSE(ends.client);
    EXPECT_EQ(ends.client.error().code, ErrorCode::kIo);
    EXPECT_NE(ends.client.error().detail.find(row.reason), std::string::npos) << ends.client.error().detail;
    EXPECT_FALSE(ends.server && ends.client);
  }
}

TEST(TlsCertificates, AnUnknownAuthorityIsRefused) {
  EngineRig rig(Engine::kSim);
  TlsPairContexts contexts(kNow);
  const TlsPairContexts strangers(kNow);
  contexts.client = std::move(*make_tls_client(strangers.authority.root(), kNow));
  Secured ends;
  EXPECT_TRUE(rig.run(secure(rig.loop(), contexts, "gate.test", ends)));
  ASSERT_FALSE(ends.client);
  EXPECT_NE(ends.client.error().detail.find("certificate"), std::string::npos) << ends.client.error().detail;
}

TEST(TlsCertificates, TheClockOfTheContextDecides) {
  ManualClock clock;
  const TlsPairContexts contexts(clock);
  for (const bool late : {false, true}) {
    EngineRig rig(Engine::kSim);
    Secured ends;
    EXPECT_TRUE(rig.run(secure(rig.loop(), contexts, "gate.test", ends)));
    EXPECT_EQ(ends.client.has_value(), !late);
    clock.advance(24h * 365 * 20);
  }
}

TEST(TlsNames, NothingIsNoServerName) {
  const std::string nul("a\0b", 3);
  for (const std::string& name : {std::string(), nul, std::string(".")}) {
    EngineRig rig(Engine::kSim);
    const TlsPairContexts contexts(kNow);
    Secured ends;
    rig.run(secure(rig.loop(), contexts, name, ends));
    ASSERT_FALSE(ends.client) << name;
    EXPECT_EQ(ends.client.error().code, ErrorCode::kUsage);
  }
}

void write_text(const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; }
TEST(TlsFiles, WhatIsWrongIsNamed) {
  TestAuthority authority;
  const TlsServerFiles good = authority.issue({.names = {"gate.test"}});
  const TlsServerFiles other = authority.issue({.names = {"gate.test"}});
  const std::filesystem::path junk = authority.folder() / "junk.pem";
  write_text(junk, "not PEM");
  EXPECT_TRUE(make_tls_server(good));
  const auto reason = [](const auto& made) { return made ? std::string("accepted") : made.error().detail; };
  EXPECT_NE(reason(make_tls_server({authority.folder() / "absent.pem", good.key})).find("absent.pem: no such file"), std::string::npos);
  EXPECT_NE(reason(make_tls_server({junk, good.key})).find("junk.pem: no start line"), std::string::npos);
  EXPECT_NE(reason(make_tls_server({good.certificate_chain, other.key})).find("key values mismatch"), std::string::npos);
  EXPECT_FALSE(make_tls_server({good.certificate_chain, junk}));
  EXPECT_FALSE(make_tls_client(junk, kNow));
  EXPECT_FALSE(make_tls_client(authority.folder() / "absent.pem", kNow));
  // Encrypted keys are refused without asking anybody for a passphrase.
  const std::filesystem::path encrypted = authority.folder() / "encrypted.key";
  write_text(encrypted,
             "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg=\n-----END ENCRYPTED PRIVATE KEY-----\n");
  EXPECT_FALSE(make_tls_server({good.certificate_chain, encrypted}));
}

Task<void> connect_alone(std::unique_ptr<Stream> inner, const TlsClientContext& context, Bound bound, TlsResult& out) {
  out = co_await tls_connect(std::move(inner), context, "gate.test", bound);
}
enum class Answer { kSilence, kGarbage, kClose };
Task<void> strange_peer(Loop& loop, const TlsPairContexts& contexts, Answer answer, TlsResult& out, Cancel* cancel = nullptr) {
  StreamPair pair = co_await connect_pair(loop);
  Scope scope;
  scope.spawn(connect_alone(std::move(pair.client), *contexts.client, {loop.after(300ms), cancel}, out));
  if (answer == Answer::kGarbage) co_await send_all(*pair.server, "HTTP/1.1 400 Bad Request\r\n\r\n", {loop.after(1s), nullptr});
  if (answer == Answer::kClose) pair.server->shutdown_send();
  co_await sleep(loop, 50ms);
  if (cancel != nullptr) cancel->request();
  co_await scope.join();
}
TEST_P(TlsOverEngines, HandshakesWithStrangePeersEnd) {
  const auto detail = [this](Answer answer, Cancel* cancel = nullptr) {
    TlsResult out = Fail(internal_error(ErrorCode::kInternal, "not tried"));
    EXPECT_TRUE(rig.run(strange_peer(loop, contexts, answer, out, cancel)));
    return out ? Error{} : out.error();
  };
  EXPECT_EQ(detail(Answer::kSilence).code, ErrorCode::kTimeout);
  EXPECT_EQ(detail(Answer::kGarbage).detail, "tls: wrong version number");
  EXPECT_EQ(detail(Answer::kClose).detail, "tls: peer closed during the handshake");
  Cancel cancel;
  EXPECT_EQ(detail(Answer::kSilence, &cancel).code, ErrorCode::kCancelled);
  EXPECT_EQ(detail(Answer::kSilence, &cancel).code, ErrorCode::kCancelled);
}

Task<void> survive_cut(Loop& loop, const TlsPairContexts& contexts, std::string_view text, IoStatus& status, std::string& heard) {
  Secured ends;
  co_await secure(loop, contexts, "gate.test", ends);
  if (!ends.client || !ends.server) co_return;
  IoStatus sent{};
  Scope scope;
  const Bound bound{loop.after(5s), nullptr};
  scope.spawn(send_and_shut(**ends.server, text, sent, bound));
  status = co_await receive_all(**ends.client, heard, bound);
  co_await scope.join();
}
TEST(TlsFaults, AConnectionCutAnywhereNeverLooksComplete) {
  const TlsPairContexts contexts(kNow);
  const std::string text = random_text(9, 30'000);
  int complete = 0, failed = 0, unshaken = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    SimFaults faults = shaky_faults();
    faults.cut = 0.95;
    faults.cut_after_max = 34'000;
    SimLoop loop(seed, faults);
    IoStatus status = IoStatus::kOk;
    std::string heard;
    Task<void> task = survive_cut(loop, contexts, text, status, heard);
    task.start();
    loop.run();
    ASSERT_TRUE(task.done());
    EXPECT_TRUE(text.starts_with(heard));
    if (status == IoStatus::kEof) {
      ++complete;
      EXPECT_EQ(heard.size(), text.size());
    } else if (status == IoStatus::kFailed) {
      ++failed;
    } else {
      ++unshaken;
    }
  }
  EXPECT_GT(complete, 3);
  EXPECT_GT(failed, 50);
  EXPECT_GT(unshaken, 3);
}

}  // namespace
}  // namespace wye::net
