// Metrics in the Prometheus text format: one writer a thread, summed at scrape, no lock and no atomic add on the hot path.
// Source: Prometheus "Exposition formats", text format 0.0.4.
#pragma once

namespace wye {

enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };

/// Names one series: a family with its label values. Cheap to copy, valid as long as the registry.
struct Series {
  uint32_t index = UINT32_MAX;
  explicit operator bool() const { return index != UINT32_MAX; }
};

/// The cells that one thread writes. Threads: exactly one writer; the registry reads at scrape.
class MetricShard {
 public:
  MetricShard();
  ~MetricShard();
  MetricShard(const MetricShard&) = delete;
  MetricShard& operator=(const MetricShard&) = delete;

  /// Adds to a counter or gauge (gauges may fall: pass the two's complement).
  void add(Series s, uint64_t n = 1);
  void sub(Series s, uint64_t n = 1) { add(s, ~n + 1); }
  /// Puts a duration into a histogram whose buckets end at 2^k · 1,024 ns.
  void observe(Series s, std::chrono::nanoseconds d);

 private:
  friend class Metrics;
  static constexpr size_t kChunk = 4096;
  static constexpr size_t kChunks = 256;
  using Chunk = std::array<std::atomic<uint64_t>, kChunk>;
  std::atomic<uint64_t>& cell(uint32_t index);
  uint64_t read(uint32_t index) const;
  std::array<std::atomic<Chunk*>, kChunks> chunks_;
};

/// All families of the process. Threads: any thread may call; `series` and `expose` lock, so keep the Series.
class Metrics {
 public:
  static constexpr uint32_t kBuckets = 28;  // 1 µs … 137 s, then +Inf; plus one cell for the sum
  static constexpr size_t kSeriesMax = 20'000;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  struct Family {
    uint32_t index;
  };
  /// Declares a family; the label names are fixed. The same name twice gives the same family.
  Family family(MetricKind kind, std::string name, std::string help, std::vector<std::string> label_names);
  /// The series of these label values, made at first use. Beyond kSeriesMax every new one is the empty Series, which `add` ignores.
  Series series(Family family, const std::vector<std::string>& label_values);

  /// A shard for one thread, owned by the registry: what it counted stays when the thread ends.
  MetricShard& make_shard();
  /// A number read at scrape time from a callback (queue lengths, process_*). It must be quick and must not lock the registry.
  void read_at_scrape(MetricKind kind, std::string name, std::string help, std::function<double()> read);
  /// Takes back a callback whose subject ends before the registry.
  void remove_callback(const std::string& name);

  /// Takes one from a series and gives one to another, so that no scrape sees neither or both. By the writer of `shard`; must not be
  /// called from a callback.
  void move_one(MetricShard& shard, Series from, Series to);

  std::string expose() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wye
