#include "config/kinds/canonical.hpp"
#include "identity/access/explain.hpp"

namespace wye::access {
namespace {

/// Writes the members of one object, in order.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }
  ~Members() { out_ += '}'; }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;
  std::string& name(std::string_view text) {
    if (out_.back() != '{') out_ += ',';
    config::append_json_string(out_, text);
    out_ += ':';
    return out_;
  }
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) config::append_json_string(name(key), value);
  }
  void flag(std::string_view key, bool value) { name(key) += value ? "true" : "false"; }
  template <class List, class Write>
  void list(std::string_view key, const List& items, Write&& write) {
    name(key) += '[';
    for (const auto& item : items) {
      if (out_.back() != '[') out_ += ',';
      write(item);
    }
    out_ += ']';
  }
  void texts(std::string_view key, const std::vector<std::string>& items) {
    list(key, items, [&](const std::string& item) { config::append_json_string(out_, item); });
  }

 private:
  std::string& out_;
};

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : " ") + item;
  return out;
}

std::vector<std::string> names_of(ActionSet actions) {
  std::vector<std::string> out;
  for (size_t i = 0; i < kActionCount; ++i) {
    if (actions.contains(static_cast<Action>(i))) out.emplace_back(to_string(static_cast<Action>(i)));
  }
  return out;
}

/// `every action` where it is that, else their names.
std::string actions_text(ActionSet actions) {
  if (actions == ActionSet::all()) return "every action";
  if (actions == ActionSet::data_plane()) return "every data-plane action";
  return joined(names_of(actions));
}

template <class Items>
std::string json_list(std::string_view key, const Items& items, auto&& write) {
  std::string out;
  {
    Members object(out);
    object.list(key, items, [&](const auto& item) { write(out, item); });
  }
  return out;
}

}  // namespace

std::string to_text(const Explanation& e) {
  std::string out = std::string(e.allowed ? "allowed" : "denied") + ": " + e.caller + " " + e.action + " on " + e.on + "\n";
  if (e.tenant.empty()) return out + "  tenant: none (" + e.tenant_detail + ")\n";
  out += "  tenant: " + e.tenant;
  for (size_t i = 1; i < e.lineage.size(); ++i) out += " < " + e.lineage[i];
  out += "\n";
  for (const Judged& judged : e.judged) {
    out += "  " + judged.on + ": " + (judged.allowed ? "allowed" : "denied") + " (" + judged.detail + ")\n";
    if (judged.steps.empty()) out += "    no rule that the caller holds is about this\n";
    for (const RuleStep& step : judged.steps) {
      out += "    " + step.rule + (step.deny ? " denies" : " allows");
      out += step.counts ? "" : ", but does not hold: " + step.why_not;
      out += "; " + (step.grant.empty() ? "" : step.grant + " ") + "by " + step.subject + "\n";
    }
  }
  return out;
}

std::string to_json(const Explanation& e) {
  std::string out;
  {
    Members object(out);
    object.flag("allowed", e.allowed);
    object.text("caller", e.caller);
    object.text("action", e.action);
    object.text("on", e.on);
    object.text("tenant", e.tenant);
    object.text("tenantReason", e.tenant_detail);
    object.texts("lineage", e.lineage);
    object.list("decisions", e.judged, [&](const Judged& judged) {
      Members inner(out);
      inner.text("on", judged.on);
      inner.flag("allowed", judged.allowed);
      inner.text("reason", judged.detail);
      inner.list("rules", judged.steps, [&](const RuleStep& step) {
        Members rule(out);
        rule.text("rule", step.rule);
        rule.text("grant", step.grant);
        rule.text("subject", step.subject);
        rule.text("effect", step.deny ? "deny" : "allow");
        rule.flag("holds", step.counts);
        rule.text("fails", step.why_not);
      });
    });
  }
  return out;
}

std::string to_text(std::span<const Holder> holders) {
  if (holders.empty()) return "nobody\n";
  std::string out;
  for (const Holder& h : holders) {
    out += h.subject + (h.tenant.empty() ? "" : " in " + h.tenant) + "  " + h.rule + (h.grant.empty() ? "" : " " + h.grant);
    if (!h.conditions.empty()) out += "  if " + joined(h.conditions);
    for (const std::string& deny : h.denied_by) out += "  unless denied by " + deny;
    out += "\n";
  }
  return out;
}

std::string to_json(std::span<const Holder> holders) {
  return json_list("holders", holders, [](std::string& out, const Holder& h) {
    Members object(out);
    object.text("subject", h.subject);
    object.text("tenant", h.tenant);
    object.text("grant", h.grant);
    object.text("rule", h.rule);
    object.texts("conditions", h.conditions);
    object.texts("deniedBy", h.denied_by);
  });
}

std::string to_text(std::span<const Gain> all) {
  std::string out;
  for (const Gain& g : all) {
    out += g.subject + (g.tenant.empty() ? "" : " in " + g.tenant) + " gains " + (g.actions.empty() ? "nothing yet" : actions_text(g.actions));
    if (!g.on.empty()) out += " on " + g.on;
    out += (g.conditional ? ", under conditions: " : ": ") + g.because + "\n";
  }
  return out;
}

std::string to_json(std::span<const Gain> all) {
  return json_list("gains", all, [](std::string& out, const Gain& g) {
    Members object(out);
    object.text("subject", g.subject);
    object.text("tenant", g.tenant);
    object.texts("actions", names_of(g.actions));
    object.text("on", g.on);
    object.text("because", g.because);
    object.flag("conditional", g.conditional);
  });
}

}  // namespace wye::access
