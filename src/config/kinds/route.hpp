// Kind Route: the name that clients put in `model`, and the policy behind it.
#pragma once

#include "config/kinds/enums.hpp"
#include "config/kinds/field.hpp"

namespace wye::config {

/// Exactly one of `model` and `backend`.
struct Candidate {
  std::string model;
  std::string backend;
  uint32_t weight = 1;
  uint32_t tier = 0;
  static void describe(auto& self, auto& v) {
    v.field("model", self.model, Rule{.text = "A Model; this or `backend`.", .grammar = Grammar::kName, .refers = "Model", .absent = "none"});
    v.field("backend", self.backend, Rule{.text = "A Backend; this or `model`.", .grammar = Grammar::kName, .refers = "Backend", .absent = "none"});
    v.field("weight", self.weight, Rule{.text = "Share within its tier; 0: takes no traffic.", .max = 1000});
    v.field("tier", self.tier, Rule{.text = "Lowest live tier first.", .max = 7});
  }
};

struct Constraints {
  EnumSet<PathKind> paths;
  std::vector<std::string> regions;
  EnumSet<Residency> residency;
  std::vector<std::string> tenants;
  static void describe(auto& self, auto& v) {
    v.field("paths", self.paths, Rule{.text = "Paths that may answer.", .min = 1, .absent = "any"});
    v.field("regions", self.regions, Rule{.text = "Regions that may answer.", .min = 1, .max = 128, .grammar = Grammar::kRegion, .absent = "any"});
    v.field("residency", self.residency, Rule{.text = "Where it may be computed.", .min = 1, .absent = "any"});
    v.refused("privateOnly");
    v.field("tenants", self.tenants,
            Rule{.text = "Tenants, with those below them, that may use it.",
                 .min = 1,
                 .max = 1024,
                 .grammar = Grammar::kName,
                 .refers = "Tenant",
                 .absent = "any"});
  }
};

struct Balance {
  Objective objective = Objective::kWeighted;
  static void describe(auto& self, auto& v) {
    v.field("objective", self.objective, Rule{.text = "Order of the candidates of one tier."});
    v.refused("affinity");
  }
};

struct Deadlines {
  Nanos first_event = std::chrono::seconds(60);
  Nanos idle = std::chrono::seconds(60);
  Nanos total = std::chrono::seconds(600);
  static void describe(auto& self, auto& v) {
    using namespace std::chrono_literals;
    v.field("firstEvent", self.first_event, Rule{.text = "To the first event of a stream from upstream.", .min = in_ns(10ms), .max = in_ns(1h)});
    v.field("idle", self.idle, Rule{.text = "Between two events of a stream from upstream.", .min = in_ns(10ms), .max = in_ns(1h)});
    v.field("total", self.total, Rule{.text = "The whole request; the Gateway's limit holds too.", .min = in_ns(10ms), .max = in_ns(1h)});
  }
};

struct Retries {
  uint32_t attempts = 3;
  static void describe(auto& self, auto& v) {
    v.field("attempts", self.attempts, Rule{.text = "Attempts in all.", .min = 1, .max = 5});
    v.refused("hedge");
    v.refused("widerContext");
    v.refused("continueStream");
  }
};

struct Output {
  uint32_t default_max = 1024;
  std::optional<uint32_t> max;
  bool filter_categories = false;
  static void describe(auto& self, auto& v) {
    v.field("defaultMax", self.default_max, Rule{.text = "Output tokens sent upstream where the client names none.", .min = 1, .max = 10'000'000});
    v.field("max", self.max, Rule{.text = "Most output tokens a client may ask for.", .min = 1, .max = 10'000'000, .absent = "the model's"});
    v.field("filterCategories", self.filter_categories,
            Rule{.text = "Whether clients of the OpenAI dialect see what the provider's content filter says; the Azure dialects have it always."});
  }
};

struct Pointers {
  std::vector<std::string> schemes = {"data"};
  std::vector<std::string> hosts;
  static void describe(auto& self, auto& v) {
    v.field("schemes", self.schemes, Rule{.text = "URL schemes that may stand in a request (images, files).", .max = 8, .grammar = Grammar::kScheme});
    v.field("hosts", self.hosts, Rule{.text = "Hosts that such URLs may name.", .max = 64, .grammar = Grammar::kHost});
  }
};

struct RequestPolicy {
  UnknownFields unknown_fields = UnknownFields::kPass;
  std::vector<std::string> allow_fields;
  bool lenient = false;
  Pointers pointers;
  std::vector<std::string> hosted_tools;
  bool store_upstream = false;
  std::vector<std::string> forward_headers;
  static void describe(auto& self, auto& v) {
    v.field("unknownFields", self.unknown_fields, Rule{.text = "What happens to request fields that Wye does not know."});
    v.field("allowFields", self.allow_fields,
            Rule{.text = "With refuse: field paths that pass all the same.", .max = 128, .grammar = Grammar::kFieldPath});
    v.field("lenient", self.lenient, Rule{.text = "Drop what the target refuses, and log it, instead of 400."});
    v.field("pointers", self.pointers, Rule{.text = "URLs inside requests."});
    v.field("hostedTools", self.hosted_tools,
            Rule{.text = "Tools that the provider runs itself and clients may ask for.", .max = 32, .grammar = Grammar::kToolType});
    v.field("storeUpstream", self.store_upstream, Rule{.text = "Whether the provider may store responses."});
    v.field("forwardHeaders", self.forward_headers,
            Rule{.text = "Client headers that are sent upstream.", .max = 6, .grammar = Grammar::kHeaderName});
  }
};

struct Route {
  static constexpr std::string_view kKind = "Route";
  static constexpr std::string_view kText = "The name that clients put in `model`, and the Azure deployment; the policy behind it.";

  std::vector<std::string> aliases;
  EnumSet<Operation> operations;
  DataClass data_class = DataClass::kRestricted;
  std::vector<Candidate> candidates;
  Constraints constraints;
  Balance balance;
  Deadlines deadlines;
  Retries retries;
  Output output;
  RequestPolicy request;

  static void describe(auto& self, auto& v) {
    v.field("aliases", self.aliases, Rule{.text = "Other names of it, unique over all Routes.", .max = 64, .grammar = Grammar::kAlias});
    v.field("operations", self.operations,
            Rule{.text = "What clients may ask.", .min = 1, .absent = "what all candidates can; responses also bridged to chat"});
    v.field("dataClass", self.data_class, Rule{.text = "How secret its requests are; callers can only raise it."});
    v.field("candidates", self.candidates, Rule{.text = "Who may answer.", .required = true, .min = 1, .max = 64});
    v.field("constraints", self.constraints, Rule{.text = "What every candidate must satisfy."});
    v.field("balance", self.balance, Rule{.text = "Order of candidates."});
    v.field("deadlines", self.deadlines, Rule{.text = "How long it may take."});
    v.field("retries", self.retries, Rule{.text = "How often it is tried."});
    v.field("output", self.output, Rule{.text = "Bounds of the answer."});
    v.field("request", self.request, Rule{.text = "What a request may hold."});
    v.refused("cache");
    v.refused("guards");
  }
};

}  // namespace wye::config
