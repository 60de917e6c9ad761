#include "report.hpp"

#include <cmath>
#include <cstdio>

#include "../wire/time.hpp"

namespace wye::bench::load {
namespace {

// Writes members in order; the caller opens and closes objects.
class Writer {
 public:
  void open(const char* name = nullptr) {
    separate();
    if (name != nullptr) quote(name);
    out += '{';
    first_ = true;
  }
  void close() {
    out += '}';
    first_ = false;
  }
  void member(const char* name, uint64_t value) {
    separate();
    quote(name);
    out += std::to_string(value);
  }
  void member(const char* name, double value) {
    separate();
    quote(name);
    char text[40];
    std::snprintf(text, sizeof text, "%.3f", std::isfinite(value) ? value : 0.0);
    out += text;
  }
  void member(const char* name, const std::string& value) {
    separate();
    quote(name);
    out += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      const bool plain = static_cast<unsigned char>(c) >= 32 && static_cast<unsigned char>(c) < 127;
      out += plain ? c : '.';
    }
    out += '"';
  }
  std::string out;

 private:
  void separate() {
    if (!first_) out += ',';
    first_ = false;
  }
  void quote(const char* name) {
    out += '"';
    out += name;
    out += "\":";
  }
  bool first_ = true;
};

double us(uint64_t ns) { return static_cast<double>(ns) / 1000; }

void write_histogram(Writer& writer, const char* name, const Histogram& histogram) {
  writer.open(name);
  writer.member("count", histogram.count());
  writer.member("mean", histogram.mean_ns() / 1000);
  writer.member("p50", us(histogram.quantile_ns(0.5)));
  writer.member("p90", us(histogram.quantile_ns(0.9)));
  writer.member("p99", us(histogram.quantile_ns(0.99)));
  writer.member("p99_9", us(histogram.quantile_ns(0.999)));
  writer.member("max", us(histogram.max_ns()));
  writer.close();
}

void write_group(Writer& writer, const char* name, const GroupSample& begin, const GroupSample& end) {
  writer.open(name);
  writer.member("run_ns", end.run_ns - begin.run_ns);
  writer.member("tick_ns", end.tick_ns - begin.tick_ns);
  writer.member("syscalls", end.syscalls - begin.syscalls);
  writer.member("rss_begin_bytes", begin.rss_bytes);
  writer.member("rss_end_bytes", end.rss_bytes);
  writer.close();
}

void write_cores(Writer& writer, const Sample& begin, const Sample& end) {
  writer.open("cores");
  for (size_t i = 0; i < end.cores; ++i) {
    writer.open(std::to_string(i).c_str());
    writer.member("busy_ns", end.core_busy_ns[i] - begin.core_busy_ns[i]);
    writer.member("steal_ns", end.core_steal_ns[i] - begin.core_steal_ns[i]);
    writer.close();
  }
  writer.close();
}

}  // namespace

std::string to_json(const Options& options, const Outcome& o) {
  const double seconds = static_cast<double>(o.end.at_ns - o.begin.at_ns) / static_cast<double>(kNsPerSecond);
  Writer writer;
  writer.open();
  writer.member("seconds", seconds);
  writer.member("completed", o.completed);
  writer.member("completed_all", o.completed_all);
  writer.member("per_second", static_cast<double>(o.completed) / seconds);
  writer.member("chunks", o.chunks);
  writer.member("chunks_all", o.chunks_all);
  writer.member("failures", o.failures);
  writer.member("unanswered", o.unanswered);
  writer.member("first_failure", o.first_failure);
  writer.member("aborted", o.aborted);
  writer.member("reconnects", o.reconnects);
  writer.member("late_dispatch", o.late_dispatch);
  write_histogram(writer, "latency_us", o.latency);
  if (options.body.stream) {
    write_histogram(writer, "first_chunk_us", o.first_chunk);
    write_histogram(writer, "chunk_gap_us", o.chunk_gap);
  }
  writer.open("processes");
  for (size_t i = 0; i < options.watched.size(); ++i) { write_group(writer, options.watched[i].name.c_str(), o.begin.groups[i], o.end.groups[i]); }
  write_group(writer, "load", o.begin.own, o.end.own);
  writer.close();
  write_cores(writer, o.begin, o.end);
  writer.member("malloc_calls", o.end.malloc_calls - o.begin.malloc_calls);
  writer.member("malloc_bytes", o.end.malloc_bytes - o.begin.malloc_bytes);
  writer.close();
  return writer.out;
}

}  // namespace wye::bench::load
