#include "foundation/net/resolver.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "foundation/net/offload.hpp"

namespace wye::net {
namespace {

using Addresses = std::vector<Endpoint>;
constexpr size_t kNameBytesMax = 253;

bool is_name_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; }

/// A name that DNS may be asked for. One that ends in a number is an address in disguise (`0x7f.1`, `127.1`, `2130706433`), which
/// getaddrinfo would accept.
bool is_name(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host.empty() || host.size() > kNameBytesMax || !std::ranges::all_of(host, is_name_byte)) return false;
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.starts_with("0x") || last.starts_with("0X")) return false;
  return !last.empty() && !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

Error resolve_error(ErrorCode code, std::string_view host, std::string_view reason) {
  return internal_error(code, "resolve " + std::string(host.substr(0, kNameBytesMax)) + ": " + std::string(reason));
}

Addresses with_port(Addresses addresses, uint16_t port) {
  for (Endpoint& e : addresses) e.port = port;
  return addresses;
}

}  // namespace

Task<Result<Addresses>> TableResolver::resolve(std::string host, uint16_t port, Bound) {
  if (const auto literal = parse_address(host, port)) co_return Addresses{*literal};
  const auto found = table_.find(host);
  if (found == table_.end() || found->second.empty()) co_return Fail(resolve_error(ErrorCode::kNotFound, host, "no such name"));
  co_return with_port(found->second, port);
}

Result<Addresses> system_lookup(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0) {
    const bool absent = code == EAI_NONAME || code == EAI_NODATA;
    return Fail(resolve_error(absent ? ErrorCode::kNotFound : ErrorCode::kIo, host, ::gai_strerror(code)));
  }
  Addresses out;
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    Endpoint e;
    if (a->ai_family == AF_INET6) {
      sockaddr_in6 in{};
      std::memcpy(&in, a->ai_addr, sizeof in);
      if (in.sin6_scope_id != 0) continue;  // an Endpoint has no scope
      e.v6 = true;
      std::memcpy(e.address.data(), &in.sin6_addr, 16);
    } else if (a->ai_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, a->ai_addr, sizeof in);
      std::memcpy(e.address.data(), &in.sin_addr, 4);
    } else {
      continue;
    }
    if (std::ranges::find(out, e) == out.end()) out.push_back(e);
    if (out.size() > Resolver::kAddressesMax) break;
  }
  ::freeaddrinfo(list);
  return out;
}

struct SystemResolver::State {
  /// One question and everyone who waits for its answer.
  struct Flight {
    std::optional<Result<Addresses>> answer;
    std::vector<WaitSlot*> waiting;

    void land(Result<Addresses> result) {
      answer = std::move(result);
      // Each resumed coroutine may end others that wait here: take one at a time.
      while (!waiting.empty()) {
        WaitSlot* slot = waiting.back();
        waiting.pop_back();
        slot->notify();
      }
    }
  };
  struct Entry {
    std::shared_ptr<Flight> flight;
    MonoTime until{INT64_MAX};
  };

  std::shared_ptr<Flight> find_or_start(const std::shared_ptr<State>& self, const std::string& host);
  void make_room();

  Loop& loop;
  Offload& offload;
  Lookup lookup;
  std::map<std::string, Entry> entries;
};

void SystemResolver::State::make_room() {
  if (entries.size() < kNamesMax) return;
  std::erase_if(entries, [now = loop.now()](const auto& e) { return e.second.until <= now; });
  if (entries.size() >= kNamesMax) entries.erase(entries.begin());  // who waits for it still holds the flight
}

std::shared_ptr<SystemResolver::State::Flight> SystemResolver::State::find_or_start(const std::shared_ptr<State>& self, const std::string& host) {
  if (const auto found = entries.find(host); found != entries.end()) {
    if (found->second.until > loop.now()) return found->second.flight;
    entries.erase(found);
  }
  auto flight = std::make_shared<Flight>();
  const bool queued = offload.submit([&to = loop, ask = lookup, host, flight, weak = std::weak_ptr(self)] {
    to.post([answer = ask(host), host, flight, weak]() mutable {
      if (answer && answer->empty()) answer = Fail(resolve_error(ErrorCode::kNotFound, host, "no address"));
      if (answer && answer->size() > kAddressesMax) answer = Fail(resolve_error(ErrorCode::kIo, host, "more than 32 addresses"));
      if (const auto state = weak.lock()) {
        const auto entry = state->entries.find(host);
        const bool ours = entry != state->entries.end() && entry->second.flight == flight;
        if (ours) entry->second.until = state->loop.now() + (answer ? kKeepGood : kKeepFailure);
      }
      flight->land(std::move(answer));
    });
  });
  if (!queued) {
    flight->answer = Fail(resolve_error(ErrorCode::kIo, host, "too many questions are under way"));
    return flight;
  }
  make_room();
  entries.emplace(host, Entry{flight});
  return flight;
}

SystemResolver::SystemResolver(Loop& loop, Offload& offload, Lookup lookup)
    : state_(std::make_shared<State>(State{loop, offload, std::move(lookup), {}})) {}
SystemResolver::~SystemResolver() = default;

Task<Result<Addresses>> SystemResolver::resolve(std::string host, uint16_t port, Bound bound) {
  if (const auto literal = parse_address(host, port)) co_return Addresses{*literal};
  if (!is_name(host)) co_return Fail(resolve_error(ErrorCode::kNotFound, host, "not a host name"));
  for (char& c : host) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c + ('a' - 'A')) : c;
  const std::shared_ptr<State::Flight> flight = state_->find_or_start(state_, host);
  if (!flight->answer) {
    WaitSlot slot(state_->loop.wheel());
    struct Leave {
      State::Flight& flight;
      WaitSlot& slot;
      ~Leave() { std::erase(flight.waiting, &slot); }
    } leave{*flight, slot};
    flight->waiting.push_back(&slot);
    const IoStatus status = co_await detail::Event(slot, bound);
    if (status != IoStatus::kOk) co_return Fail(detail::wait_error(status, "resolve " + host));
  }
  if (!*flight->answer) co_return Fail(flight->answer->error());
  co_return with_port(**flight->answer, port);
}

}  // namespace wye::net
