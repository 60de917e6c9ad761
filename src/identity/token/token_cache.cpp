#include "identity/token/token_cache.hpp"

namespace wye::token {
namespace {

size_t bytes_of(const std::vector<std::string>& texts) {
  size_t bytes = texts.capacity() * sizeof(std::string);
  for (const std::string& text : texts) bytes += text.capacity();
  return bytes;
}

}  // namespace

size_t bytes_of(const PrincipalFields& fields) {
  size_t bytes = bytes_of(fields.scopes) + bytes_of(fields.roles) + bytes_of(fields.groups) + bytes_of(fields.routes);
  for (const std::string* text : {&fields.issuer, &fields.tenant, &fields.subject, &fields.client, &fields.service_account, &fields.spiffe_id,
                                  &fields.token_id, &fields.key_id}) {
    bytes += text->capacity();
  }
  for (const Claim& claim : fields.claims) bytes += sizeof(Claim) + claim.name.capacity() + bytes_of(claim.values);
  return bytes;
}

void TokenReader::Cache::retire(std::list<Entry>::iterator at) {
  bytes -= at->bytes;
  index.erase(at->digest);
  if (at->refs == 0) entries.erase(at);
  else retired.splice(retired.begin(), entries, at);
}

TokenReader::Entry& TokenReader::Cache::add(Entry entry) {
  retired.remove_if([](const Entry& old) { return old.refs == 0; });
  entry.bytes = sizeof(Entry) + kOverheadBytes + bytes_of(entry.principal.fields()) + entry.confirmation.x5t_s256.capacity() +
                entry.confirmation.jkt.capacity();
  if (const auto same = index.find(entry.digest); same != index.end()) retire(same->second);
  // Once round at most: what was used since the last time gets a second chance.
  for (size_t chances = entries.size(); !entries.empty() && bytes + entry.bytes > bytes_max;) {
    const auto last = std::prev(entries.end());
    if (last->touched && chances > 0) {
      last->touched = false;
      --chances;
      entries.splice(entries.begin(), entries, last);
    } else {
      retire(last);
    }
  }
  if (entry.bytes > bytes_max) {  // larger than all there may be: for this one request only
    retired.push_front(std::move(entry));
    return retired.front();
  }
  bytes += entry.bytes;
  entries.push_front(std::move(entry));
  index[entries.front().digest] = entries.begin();
  return entries.front();
}

bool TokenReader::Cache::used() const {
  const auto in_use = [](const Entry& entry) { return entry.refs != 0; };
  return std::ranges::any_of(entries, in_use) || std::ranges::any_of(retired, in_use);
}

}  // namespace wye::token
