// The closed choices of the resource kinds, with their spelling, and sets of them.
// Threads: values. A value that is spelled in a document but not in the enum belongs to a room that this build lacks.
#pragma once

#include "foundation/base/units.hpp"

namespace wye::config {

/// One spelling of an enum. Those that are not available are refused by name.
struct EnumName {
  std::string_view text;
  bool available = true;
};

/// The spellings of E, in the order of its values; unavailable ones follow. Specialised below for each enum.
template <class E>
struct EnumNames;

/// The spelling of a value; empty for one that no document can spell.
template <class E>
  requires requires { EnumNames<E>::kNames; }
constexpr std::string_view to_string(E value) {
  const auto index = static_cast<size_t>(value);
  return index < EnumNames<E>::kNames.size() ? EnumNames<E>::kNames[index].text : std::string_view();
}

/// A set of values of one enum; iterates in the order of the enum. Never allocates.
template <class E>
struct EnumSet {
  uint32_t bits = 0;

  constexpr EnumSet() = default;
  constexpr EnumSet(std::initializer_list<E> values) {
    for (const E v : values) insert(v);
  }
  constexpr bool contains(E v) const { return (bits >> static_cast<unsigned>(v) & 1u) != 0; }
  constexpr bool contains_all(EnumSet other) const { return (other.bits & ~bits) == 0; }
  constexpr bool empty() const { return bits == 0; }
  constexpr void insert(E v) { bits |= 1u << static_cast<unsigned>(v); }
  constexpr size_t size() const { return static_cast<size_t>(std::popcount(bits)); }
  friend constexpr EnumSet operator&(EnumSet a, EnumSet b) { return from_bits(a.bits & b.bits); }
  friend constexpr EnumSet operator|(EnumSet a, EnumSet b) { return from_bits(a.bits | b.bits); }
  friend constexpr bool operator==(EnumSet, EnumSet) = default;
  static constexpr EnumSet from_bits(uint32_t bits) {
    EnumSet set;
    set.bits = bits;
    return set;
  }
};

/// What a client asks for; the first five values of Capability are the same, in the same order.
enum class Operation : uint8_t { kChat, kCompletions, kResponses, kEmbeddings, kModerations };
template <>
struct EnumNames<Operation> {
  static constexpr std::array kNames = {EnumName{"chat"}, EnumName{"completions"}, EnumName{"responses"}, EnumName{"embeddings"},
                                        EnumName{"moderations"}};
};

/// What a target can do: operations, then features of a request.
enum class Capability : uint8_t { kChat, kCompletions, kResponses, kEmbeddings, kModerations, kTools, kJsonSchema, kVision, kAudio, kLogprobs };
template <>
struct EnumNames<Capability> {
  static constexpr std::array kNames = {EnumName{"chat"},        EnumName{"completions"}, EnumName{"responses"},  EnumName{"embeddings"},
                                        EnumName{"moderations"}, EnumName{"tools"},       EnumName{"jsonSchema"}, EnumName{"vision"},
                                        EnumName{"audio"},       EnumName{"logprobs"}};
};
/// The capability that an operation needs.
constexpr Capability capability_of(Operation op) { return static_cast<Capability>(op); }

/// The two ways out: a managed deployment, or a model that the enterprise serves itself.
enum class PathKind : uint8_t { kManaged, kCustom };
template <>
struct EnumNames<PathKind> {
  static constexpr std::array kNames = {EnumName{"managed"}, EnumName{"custom"}};
};

/// Where a request may be computed. kNone: nobody promises anything; it satisfies no constraint.
enum class Residency : uint8_t { kRegion, kZoneUs, kZoneEu, kGlobal, kNone };
template <>
struct EnumNames<Residency> {
  static constexpr std::array kNames = {EnumName{"region"}, EnumName{"zone:us"}, EnumName{"zone:eu"}, EnumName{"global"}};
};

enum class Provider : uint8_t { kAzureOpenAi, kOpenAiCompatible };
template <>
struct EnumNames<Provider> {
  static constexpr std::array kNames = {EnumName{"azureOpenAI"}, EnumName{"openAICompatible"}, EnumName{"oip", false}};
};

/// Deployment types of Azure OpenAI, spelled as its resource provider does.
enum class Sku : uint8_t {
  kStandard,
  kProvisionedManaged,
  kDataZoneStandard,
  kDataZoneProvisionedManaged,
  kDataZoneBatch,
  kGlobalStandard,
  kGlobalProvisionedManaged,
  kGlobalBatch,
  kDeveloperTier,
};
template <>
struct EnumNames<Sku> {
  static constexpr std::array kNames = {
      EnumName{"Standard"},      EnumName{"ProvisionedManaged"}, EnumName{"DataZoneStandard"},         EnumName{"DataZoneProvisionedManaged"},
      EnumName{"DataZoneBatch"}, EnumName{"GlobalStandard"},     EnumName{"GlobalProvisionedManaged"}, EnumName{"GlobalBatch"},
      EnumName{"DeveloperTier"}};
};

enum class NetworkMode : uint8_t { kPublic, kLoopback };
template <>
struct EnumNames<NetworkMode> {
  static constexpr std::array kNames = {EnumName{"public"}, EnumName{"loopback"}, EnumName{"private", false}};
};

enum class TlsVersion : uint8_t { k12, k13 };
template <>
struct EnumNames<TlsVersion> {
  static constexpr std::array kNames = {EnumName{"1.2"}, EnumName{"1.3"}};
};

enum class CredentialType : uint8_t { kApiKey, kManagedIdentity, kWorkloadIdentity, kClientCertificate, kOauth2, kSpiffe };
template <>
struct EnumNames<CredentialType> {
  static constexpr std::array kNames = {EnumName{"apiKey"}, EnumName{"managedIdentity"}, EnumName{"workloadIdentity"}, EnumName{"clientCertificate"},
                                        EnumName{"oauth2"}, EnumName{"spiffe"}};
};

/// How a key is sent: `api-key: K` or `Authorization: Bearer K`.
enum class KeyHeader : uint8_t { kApiKey, kBearer };
template <>
struct EnumNames<KeyHeader> {
  static constexpr std::array kNames = {EnumName{"api-key"}, EnumName{"bearer"}};
};

enum class RuntimeType : uint8_t { kLlamaServer };
template <>
struct EnumNames<RuntimeType> {
  static constexpr std::array kNames = {EnumName{"llamaServer"}, EnumName{"vllm", false}, EnumName{"kserve", false}, EnumName{"kaito", false}};
};

/// How candidates of one tier are ordered.
enum class Objective : uint8_t { kWeighted, kManagedFirst, kCustomFirst };
template <>
struct EnumNames<Objective> {
  static constexpr std::array kNames = {EnumName{"weighted"},        EnumName{"managedFirst"},   EnumName{"customFirst"},
                                        EnumName{"cheapest", false}, EnumName{"fastest", false}, EnumName{"headroom", false}};
};

enum class UnknownFields : uint8_t { kPass, kRefuse };
template <>
struct EnumNames<UnknownFields> {
  static constexpr std::array kNames = {EnumName{"pass"}, EnumName{"refuse"}};
};

enum class AccessLogTo : uint8_t { kFile, kStdout, kOff };
template <>
struct EnumNames<AccessLogTo> {
  static constexpr std::array kNames = {EnumName{"file"}, EnumName{"stdout"}, EnumName{"off"}};
};

/// DataClass lives in foundation/base; its spelling for documents is the same as there.
template <>
struct EnumNames<DataClass> {
  static constexpr std::array kNames = {EnumName{"public"}, EnumName{"internal"}, EnumName{"confidential"}, EnumName{"restricted"}};
};

}  // namespace wye::config
