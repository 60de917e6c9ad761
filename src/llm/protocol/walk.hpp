// One walk over a body along its table: types, ranges, policy, and what is lifted out. Private to this room.
// Lifetime: refers to its arguments for the time of the walk. Threads: one owner.
#pragma once

#include "llm/protocol/request.hpp"
#include "llm/protocol/schema.hpp"

namespace wye::protocol {

/// One walk over a body along its table.
class Walk {
 public:
  Walk(const json::Document& document, const DecodePolicy& policy, DecodedRequest& out) : document_(document), policy_(policy), out_(out) {}

  Result<void> object(json::Value value, const Object& shape);
  Result<void> value(json::Value value, const Shape& shape);

 private:
  Result<void> member(json::Member member, const Object& shape, uint64_t& found);
  Result<void> unknown(json::Member member, std::string_view name, const Object& shape);
  Result<void> variants(json::Value value, const Variants& variants);
  Result<void> scalar(json::Value value, const Shape& shape);
  Result<void> string(json::Value value, const Shape& shape);
  Result<void> number(json::Value value, const Shape& shape);
  Result<void> array(json::Value value, const Shape& shape);
  Result<void> free_object(json::Value value, const Shape& shape);
  Result<void> check(json::Value value, Check check);
  Result<void> check_policy(json::Value value, Check check);
  Result<void> url(json::Value value);
  Result<void> hosted(json::Value value, std::string_view tool);
  Result<void> assistant(json::Value message);
  void capture(Slot slot, json::Value value);
  bool allowed_field(json::Value value) const;

  const json::Document& document_;
  const DecodePolicy& policy_;
  DecodedRequest& out_;
};

}  // namespace wye::protocol
