#include "foundation/base/metrics.hpp"

#include <list>

namespace wye {

MetricShard::MetricShard() {
  for (auto& chunk : chunks_) chunk.store(nullptr, std::memory_order_relaxed);
}
MetricShard::~MetricShard() {
  for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
}

std::atomic<uint64_t>& MetricShard::cell(uint32_t index) {
  std::atomic<Chunk*>& slot = chunks_[index / kChunk];
  Chunk* chunk = slot.load(std::memory_order_relaxed);
  if (chunk == nullptr) {
    chunk = new Chunk{};
    slot.store(chunk, std::memory_order_release);
  }
  return (*chunk)[index % kChunk];
}

uint64_t MetricShard::read(uint32_t index) const {
  const Chunk* chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
  return chunk == nullptr ? 0 : (*chunk)[index % kChunk].load(std::memory_order_relaxed);
}

void MetricShard::add(Series s, uint64_t n) {
  if (!s || n == 0) return;
  std::atomic<uint64_t>& c = cell(s.index);
  c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

void MetricShard::observe(Series s, std::chrono::nanoseconds d) {
  if (!s) return;
  const uint64_t ns = d.count() < 0 ? 0 : static_cast<uint64_t>(d.count());
  const auto bucket = std::min<uint32_t>(static_cast<uint32_t>(std::bit_width(ns >> 10)), Metrics::kBuckets - 1);
  add({s.index + bucket}, 1);
  add({s.index + Metrics::kBuckets}, ns);
}

struct Metrics::State {
  struct Entry {
    std::vector<std::string> values;
    Series series;
  };
  struct FamilyState {
    MetricKind kind;
    std::string name;
    std::string help;
    std::vector<std::string> labels;
    std::map<std::vector<std::string>, Series> series;
  };
  struct Callback {
    MetricKind kind;
    std::string name;
    std::string help;
    std::function<double()> read;
  };
  mutable std::mutex mutex;
  std::deque<FamilyState> families;
  std::list<MetricShard> shards;
  std::vector<Callback> callbacks;
  uint32_t next = 0;
  size_t count = 0;

  uint64_t sum(uint32_t index) const {
    uint64_t total = 0;
    for (const MetricShard& shard : shards) total += shard.read(index);
    return total;
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Metrics::Family Metrics::family(MetricKind kind, std::string name, std::string help, std::vector<std::string> label_names) {
  const std::lock_guard lock(state_->mutex);
  for (uint32_t i = 0; i < state_->families.size(); ++i) {
    if (state_->families[i].name == name) return {i};
  }
  state_->families.push_back({kind, std::move(name), std::move(help), std::move(label_names), {}});
  return {static_cast<uint32_t>(state_->families.size() - 1)};
}

Series Metrics::series(Family family, const std::vector<std::string>& label_values) {
  const std::lock_guard lock(state_->mutex);
  State::FamilyState& f = state_->families[family.index];
  if (const auto found = f.series.find(label_values); found != f.series.end()) return found->second;
  const uint32_t width = f.kind == MetricKind::kHistogram ? kBuckets + 1 : 1;
  if (state_->count >= kSeriesMax || state_->next + width > MetricShard::kChunk * MetricShard::kChunks) return {};
  const Series made{state_->next};
  state_->next += width;
  ++state_->count;
  f.series.emplace(label_values, made);
  return made;
}

MetricShard& Metrics::make_shard() {
  const std::lock_guard lock(state_->mutex);
  return state_->shards.emplace_back();
}

void Metrics::move_one(MetricShard& shard, Series from, Series to) {
  const std::lock_guard lock(state_->mutex);
  shard.sub(from);
  shard.add(to);
}

void Metrics::read_at_scrape(MetricKind kind, std::string name, std::string help, std::function<double()> read) {
  const std::lock_guard lock(state_->mutex);
  state_->callbacks.push_back({kind, std::move(name), std::move(help), std::move(read)});
}

void Metrics::remove_callback(const std::string& name) {
  const std::lock_guard lock(state_->mutex);
  std::erase_if(state_->callbacks, [&](const State::Callback& c) { return c.name == name; });
}

namespace {

void append_number(std::string& out, double value) {
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_labels(std::string& out, const std::vector<std::string>& names, const std::vector<std::string>& values, std::string_view le) {
  if (names.empty() && le.empty()) return;
  out += '{';
  for (size_t i = 0; i < names.size(); ++i) {
    if (i != 0) out += ',';
    out += names[i];
    out += "=\"";
    for (const char c : i < values.size() ? values[i] : std::string()) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') out += "\\n";
      else out += c;
    }
    out += '"';
  }
  if (!le.empty()) {
    if (!names.empty()) out += ',';
    out += "le=\"";
    out += le;
    out += '"';
  }
  out += '}';
}

}  // namespace

std::string Metrics::expose() const {
  constexpr std::array<std::string_view, 3> kTypes = {"counter", "gauge", "histogram"};
  const std::lock_guard lock(state_->mutex);
  std::string out;
  const auto header = [&](const std::string& name, const std::string& help, std::string_view type) {
    out += "# HELP " + name + " " + help + "\n# TYPE " + name + " ";
    out += type;
    out += '\n';
  };
  for (const State::FamilyState& f : state_->families) {
    if (f.series.empty()) continue;
    header(f.name, f.help, kTypes[static_cast<size_t>(f.kind)]);
    for (const auto& [values, series] : f.series) {
      if (f.kind != MetricKind::kHistogram) {
        out += f.name;
        append_labels(out, f.labels, values, {});
        out += ' ';
        const uint64_t total = state_->sum(series.index);
        out += f.kind == MetricKind::kGauge ? std::to_string(static_cast<int64_t>(total)) : std::to_string(total);
        out += '\n';
        continue;
      }
      uint64_t cumulated = 0;
      for (uint32_t b = 0; b < kBuckets; ++b) {
        cumulated += state_->sum(series.index + b);
        std::string le;
        if (b + 1 == kBuckets) le = "+Inf";
        else append_number(le, static_cast<double>(uint64_t{1024} << b) * 1e-9);
        out += f.name + "_bucket";
        append_labels(out, f.labels, values, le);
        out += ' ' + std::to_string(cumulated) + '\n';
      }
      out += f.name + "_sum";
      append_labels(out, f.labels, values, {});
      out += ' ';
      append_number(out, static_cast<double>(state_->sum(series.index + kBuckets)) * 1e-9);
      out += '\n' + f.name + "_count";
      append_labels(out, f.labels, values, {});
      out += ' ' + std::to_string(cumulated) + '\n';
    }
  }
  for (const State::Callback& c : state_->callbacks) {
    header(c.name, c.help, kTypes[static_cast<size_t>(c.kind)]);
    out += c.name + ' ';
    append_number(out, c.read());
    out += '\n';
  }
  return out;
}

}  // namespace wye
