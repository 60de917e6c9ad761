// From a Credential as configuration says it to the source that serves it. Private to identity/workload.
// Threads: the composition root's; reads files and the environment, asks nobody.
#pragma once

#include "identity/workload/credentials.hpp"
#include "identity/workload/token_source.hpp"

namespace wye::workload {

struct MakeContext {
  const Environment& environment;
  const TrustMaker& trust;
  const TakeVariable& take;
};

struct MadeSource {
  std::unique_ptr<TokenSource> source;  // null: the value never changes
  Secret initial;                       // what is there from the start; empty: nothing
  HeaderStyle style = HeaderStyle::kBearer;
  /// Everything outside configuration that makes it what it is: variables and files that were read here. Two that say the same are the same.
  std::string identity;
};

/// Errors: kUsage with what is wrong, never with a value.
Result<MadeSource> make_source(const config::Credential& spec, const std::string& audience, const MakeContext& context);
/// Whether what is sent depends on the audience.
bool depends_on_audience(config::CredentialType type);

}  // namespace wye::workload
