// The pure halves of the commands that talk to an instance, and of what `wye up` looks at before it starts.
#include <sys/stat.h>
#include <unistd.h>

#include "app/artefacts.hpp"
#include "app/conversation.hpp"
#include "app/loopback_call.hpp"
#include "app/port_holder.hpp"
#include "app/status_table.hpp"
#include "foundation/base/test_folder.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

TEST(StatusTable, ShowsTargetsRoutesAndARefusedConfiguration) {
  const std::string json =
      R"({"config":"sha256:ab","state":"serving","refusedReloads":1,"refused":"error: no\n",)"
      R"("targets":[{"name":"model/a","path":"custom","state":"ready"},)"
      R"({"name":"backend/b","path":"managed","state":"broken","reason":"gone"}],"routes":[{"name":"r1","operations":["chat","responses"],)"
      R"("targets":["model/a","backend/b"]},{"name":"r2","operations":["chat"],"targets":["backend/b"]}]})";
  InstanceRecord record;
  record.pid = 7;
  record.version = "0.1.0";
  record.public_url = "http://127.0.0.1:1";
  const auto table = status_table(json, &record, false);
  ASSERT_TRUE(table);
  for (const char* part :
       {"http://127.0.0.1:1/v1", "process    7", "model/a    custom   ready", "backend/b  managed  broken         gone",
        "r1     ready          model/a,backend/b", "r2     broken", "chat,responses", "refused; the one above goes on:\nerror: no"})
    EXPECT_NE(table->find(part), std::string::npos) << part << "\n" << *table;
  EXPECT_EQ(table->find('\x1b'), std::string::npos);
  EXPECT_NE(status_table(json, nullptr, true)->find("\x1b[32mready"), std::string::npos);
  EXPECT_FALSE(status_table("<html>", nullptr, false));
}

TEST(Conversation, RemembersWhatWasAnsweredAndForgetsWhatFailed) {
  Conversation talk("chat-local");
  EXPECT_EQ(talk.ask("a \"b\""), R"({"model":"chat-local","stream":true,"messages":[{"role":"user","content":"a \"b\""}]})");
  talk.keep("c");
  talk.ask("lost");
  talk.forget();
  talk.forget();  // an answer stays
  EXPECT_EQ(talk.ask("d"),
            R"({"model":"chat-local","stream":true,"messages":[{"role":"user","content":"a \"b\""},{"role":"assistant","content":"c"},)"
            R"({"role":"user","content":"d"}]})");
}

TEST(AnswerReader, GivesTheSameTextHoweverTheStreamIsCut) {
  const std::string stream =
      "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"He\\u001b[2Jllo\\n\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":null}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"\xC3\xA4\"}}],\"usage\":null}\n\ndata: [DONE]\n\n";
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    AnswerReader reader;
    std::string shown;
    for (const std::string_view part : {std::string_view(stream).substr(0, cut), std::string_view(stream).substr(cut)}) {
      if (part.empty()) continue;
      const auto fresh = reader.take(part);
      ASSERT_TRUE(fresh);
      shown += *fresh;
    }
    ASSERT_EQ(shown, "He[2Jllo\n\xC3\xA4") << cut;  // the escape did not reach the terminal
    ASSERT_EQ(reader.text(), "He\x1b[2Jllo\n\xC3\xA4");
    ASSERT_TRUE(reader.done());
  }
}

TEST(AnswerReader, TellsAnErrorEventAndNonsense) {
  AnswerReader reader;
  const auto failed = reader.take("data: {\"error\":{\"message\":\"It broke.\",\"code\":null}}\n\n");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().public_message, "It broke.");
  EXPECT_FALSE(AnswerReader().take("data: nonsense\n\n"));
  EXPECT_EQ(error_message("<html>\x1b[0m"), "<html>[0m");
}

TEST(PortHolder, ReadsTheKernelsTable) {
  const std::string table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0\n"
      "   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4343 1 0 100 0 0 10 0\n"
      "   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4444 1\nshort line\n";
  EXPECT_EQ(listening_inodes(table, 8080), std::vector<std::string>{"4242"});
  EXPECT_TRUE(listening_inodes("", 8080).empty());
}

TEST(PortHolder, FindsThisProgram) {
  const SystemClock clock;
  auto loop = net::make_epoll_loop(clock);
  ASSERT_TRUE(loop);
  auto listener = (*loop)->listen(net::Endpoint::loopback(0));
  ASSERT_TRUE(listener);
  EXPECT_TRUE(port_holder((*listener)->local().port).starts_with("process " + std::to_string(::getpid()) + " ("));
}

TEST(Artefacts, AreWhereTheEnvironmentOrTheProgramSays) {
  TestFolder folder;
  std::map<std::string, std::string> variables = {{"WYE_ARTIFACTS", "/a"}, {"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}};
  const Environment environment = [&](const char* name) { return variables[name]; };
  const std::filesystem::path program = folder / "bin/wye";
  EXPECT_EQ(find_artefacts(program, environment)->root, "/a");
  variables.erase("WYE_ARTIFACTS");
  EXPECT_EQ(find_artefacts(program, environment)->root, "/x/wye");
  std::filesystem::create_directories(folder / "share/wye");
  EXPECT_EQ(find_artefacts(program, environment)->root, folder / "share/wye");
  std::filesystem::remove_all(folder / "share");
  variables.erase("XDG_CACHE_HOME");
  EXPECT_EQ(find_artefacts(program, environment)->root, "/h/.cache/wye");
  variables.clear();
  EXPECT_EQ(find_artefacts(program, environment).error().code, ErrorCode::kUsage);
}

TEST(Artefacts, AMissingOneIsNamed) {
  TestFolder folder;
  const auto missing = check_artefact(folder / "gone", Wanted::kFile);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().public_message.find((folder / "gone").string()), std::string::npos);
  ASSERT_TRUE(os::write_file_atomic(folder / "file", "x"));
  EXPECT_TRUE(check_artefact(folder / "file", Wanted::kFile));
  EXPECT_FALSE(check_artefact(folder / "file", Wanted::kProgram)) << "it can not be executed";
  EXPECT_FALSE(check_artefact(folder.path(), Wanted::kFile));
}

TEST(DialTargetOf, TakesPlainLocalUrlsOnly) {
  EXPECT_EQ(dial_target_of("http://127.0.0.1:8080")->port, 8080);
  EXPECT_EQ(dial_target_of("http://[::1]:9")->host, "::1");
  for (const char* url :
       {"https://127.0.0.1:8080", "http://127.0.0.1", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://name:80", "http://127.0.0.1:80/v1", ""})
    EXPECT_FALSE(dial_target_of(url)) << url;
}

TEST(LoopbackCall, TellsThatNobodyListens) {
  const SystemClock clock;
  LoopbackCall call;
  call.path = "/";
  call.target.local_path = "/nonexistent/admin.sock";
  EXPECT_EQ(loopback_call(clock, call).error().code, ErrorCode::kClosed);
}

}  // namespace
}  // namespace wye::app
