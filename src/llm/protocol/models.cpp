#include "llm/protocol/models.hpp"

#include "foundation/json/writer.hpp"

namespace wye::protocol {
namespace {

void write_one(const ModelEntry& model, json::Writer& writer) {
  writer.begin_object()
      .string("id", model.id)
      .string("object", "model")
      .integer("created", model.created.seconds())
      .string("owned_by", "wye")
      .end_object();
}

}  // namespace

void write_model(const ModelEntry& model, std::string& out) {
  json::Writer writer(out);
  write_one(model, writer);
}

void write_model_list(std::span<const ModelEntry> models, std::string& out) {
  json::Writer writer(out);
  writer.begin_object().string("object", "list").begin_array("data");
  for (const ModelEntry& model : models) write_one(model, writer);
  writer.end_array().end_object();
}

}  // namespace wye::protocol
