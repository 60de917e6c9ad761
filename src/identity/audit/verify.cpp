#include "identity/audit/verify.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "foundation/json/writer.hpp"

namespace wye::audit {
namespace {

struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

std::string numbers(uint64_t first, uint64_t last) {
  return first == last ? "record " + std::to_string(first) + " is missing"
                       : "records " + std::to_string(first) + " to " + std::to_string(last) + " are missing";
}

}  // namespace

std::string to_json(const Verdict& verdict) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().boolean("whole", verdict.whole()).unsigned_integer("records", verdict.records);
  writer.unsigned_integer("lastSeq", verdict.last.seq).string("lastHash", crypto::digest_text(verdict.last.hash));
  if (verdict.anchor) writer.unsigned_integer("sealedSeq", verdict.anchor->seq);
  writer.unsigned_integer("unsealed", verdict.unsealed).unsigned_integer("tornBytes", verdict.torn_bytes);
  if (verdict.broken) {
    writer.begin_object("broken").unsigned_integer("line", verdict.broken->line).unsigned_integer("seq", verdict.broken->seq);
    writer.string("what", verdict.broken->what).end_object();
  }
  writer.end_object();
  return out;
}

void ChainVerifier::fail(uint64_t line, uint64_t seq, std::string what) {
  if (!verdict_.broken) verdict_.broken = Break{line, seq, std::move(what)};
}

/// The one that does not fit its follower was changed, if that one fits its own; else the follower was.
void ChainVerifier::settle(bool next_is_linked) {
  if (!suspect_) return;
  const Suspicion at = *suspect_;
  suspect_.reset();
  if (next_is_linked) fail(at.line - 1, at.seq - 1, "record " + std::to_string(at.seq - 1) + " is not the one that was written");
  else fail(at.line, at.seq, "record " + std::to_string(at.seq) + " is not the one that was written");
}

void ChainVerifier::check_anchor(uint64_t line, uint64_t seq, const crypto::Digest& hash) {
  if (verdict_.anchor && verdict_.anchor->seq == seq && verdict_.anchor->hash != hash)
    fail(line, seq, "record " + std::to_string(seq) + " is not the one that was written: the stored head of the chain differs");
}

void ChainVerifier::take(std::string_view line) {
  ++line_;
  if (verdict_.broken) return;
  const std::optional<Sealed> sealed = decode(line, scratch_);
  const Head last = verdict_.last;
  const bool linked = sealed && sealed->seq == last.seq + 1 && sealed->prev == last.hash;
  if (suspect_) {
    settle(linked);
    return;
  }
  if (!sealed) return fail(line_, last.seq + 1, "the line is no record");
  if (sealed->seq <= last.seq)
    return fail(line_, last.seq + 1, "record " + std::to_string(sealed->seq) + " stands here: it was inserted, repeated or moved");
  if (sealed->seq > last.seq + 1) return fail(line_, last.seq + 1, numbers(last.seq + 1, sealed->seq - 1));
  const crypto::Digest hash = hash_of(*sealed, line, scratch_);
  if (!linked && line_ == 1) return fail(line_, sealed->seq, "the first record refers to one before it");
  if (!linked) suspect_ = Suspicion{line_, sealed->seq};
  else check_anchor(line_, sealed->seq, hash);
  ++verdict_.records;
  verdict_.last = {sealed->seq, hash};
}

Verdict ChainVerifier::finish(uint64_t torn_bytes) {
  // Nothing follows that could tell: the stored head does, where it is that of the suspect.
  if (suspect_) settle(verdict_.anchor && verdict_.anchor->seq == suspect_->seq && verdict_.anchor->hash == verdict_.last.hash);
  if (verdict_.anchor && !verdict_.broken && verdict_.anchor->seq > verdict_.last.seq)
    fail(line_ + 1, verdict_.last.seq + 1, "the end was cut off: " + numbers(verdict_.last.seq + 1, verdict_.anchor->seq));
  verdict_.torn_bytes = torn_bytes;
  const uint64_t sealed = verdict_.anchor ? verdict_.anchor->seq : 0;
  if (!verdict_.broken && verdict_.last.seq > sealed) verdict_.unsealed = verdict_.last.seq - sealed;
  return verdict_;
}

Result<uint64_t> each_line(const std::filesystem::path& path, const std::function<bool(std::string_view)>& take) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (file.fd < 0 && errno == ENOENT) return 0;
  const auto failed = [&](std::string_view what) {
    return Fail(internal_error(ErrorCode::kIo, std::string(what) + " " + path.string() + ": " + std::generic_category().message(errno)));
  };
  if (file.fd < 0) return failed("can not open");
  constexpr size_t kPiece = 256 << 10;
  std::string buffer;
  std::vector<char> piece(kPiece);
  for (;;) {
    const ssize_t n = ::read(file.fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("can not read");
    if (n == 0) return buffer.size();
    buffer.append(piece.data(), static_cast<size_t>(n));
    size_t begin = 0;
    for (size_t end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n', begin)) {
      // Cut: too long for a record, whatever it says.
      if (!take(std::string_view(buffer).substr(begin, std::min(end - begin, kLineBytesMax)))) return 0;
      begin = end + 1;
    }
    buffer.erase(0, begin);
    // A line without end can not fill the memory.
    if (buffer.size() > 2 * kLineBytesMax) buffer.resize(kLineBytesMax + 1);
  }
}

Result<Verdict> verify_file(const std::filesystem::path& file, std::optional<Head> anchor) {
  ChainVerifier verifier(anchor);
  TRY(const uint64_t torn, each_line(file, [&](std::string_view line) {
        verifier.take(line);
        return true;
      }));
  return verifier.finish(torn);
}

}  // namespace wye::audit
