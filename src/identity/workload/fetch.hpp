// One HTTP call for a token or a secret. Nobody follows a redirect, no proxy is asked, nothing is sent twice.
// Threads: those of the loop in the context.
#pragma once

#include "foundation/base/random.hpp"
#include "foundation/http/client.hpp"
#include "foundation/http/message.hpp"
#include "identity/workload/badge.hpp"
#include "identity/workload/token_answer.hpp"
#include "identity/workload/url.hpp"

namespace wye::workload {

/// Connect, ask, answer: all of it.
inline constexpr Nanos kFetchTimeout = std::chrono::seconds(10);

/// Reads a variable of the environment as it was when the program began. Threads: any.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

/// What a source needs to fetch. Outlives the fetch.
struct FetchContext {
  net::Loop& loop;
  net::Resolver& resolver;
  const Clock& clock;
  const Environment& environment;
};

struct FetchCall {
  bool post = false;
  Url url;
  const net::TlsClientContext* tls = nullptr;  // required where the URL says https
  std::vector<http::OutField> fields;          // views live until the call has ended
  Secret body;                                 // a form; sent with POST
};

struct FetchAnswer {
  int status = 0;
  Secret body;  // at most kAnswerBytesMax
  std::string www_authenticate;
  std::optional<Nanos> retry_after;
};

/// The answer, whatever its status. Faults (retryable): the network, TLS, an answer that is too large or none, kFetchTimeout.
net::Task<Fetch<FetchAnswer>> fetch(FetchContext context, FetchCall call, net::Bound bound);

/// The call, then its answer as a token or as the fault that its status is.
net::Task<FetchResult> fetch_token(FetchContext context, FetchCall call, net::Bound bound);

}  // namespace wye::workload
