// Relations between the fields of one document, which no single field can say. Threads: one owner.
#pragma once

#include "config/load/endpoint.hpp"
#include "config/load/load.hpp"

namespace wye::config {

/// Adds findings at the fields of one document. A field that already has a finding (or stands above or below one) gets no second:
/// its value is a default by then.
class DocumentFindings {
 public:
  /// `first`: where the findings of this document begin in `findings`.
  DocumentFindings(const Source& source, Diagnostics& findings, size_t first) : source_(source), findings_(findings), first_(first) {}
  void error(std::string_view path, std::string what, std::string help = {}) const;
  void warning(std::string_view path, std::string what, std::string help = {}) const;
  bool wrote(std::string_view path) const { return source_.wrote(path); }
  bool failed(std::string_view path) const;

 private:
  const Source& source_;
  Diagnostics& findings_;
  size_t first_;
};

void check_document(const Gateway& spec, const DocumentFindings& out);
void check_document(const Issuer& spec, const DocumentFindings& out);
void check_document(const Role& spec, const DocumentFindings& out);
void check_document(const Grant& spec, const DocumentFindings& out);
void check_document(const Tenant& spec, const DocumentFindings& out);
void check_document(const Credential& spec, const DocumentFindings& out);
void check_document(const Backend& spec, const DocumentFindings& out);
void check_document(const Model& spec, const DocumentFindings& out);
void check_document(const Route& spec, const DocumentFindings& out);

/// Where a deployment of that type and region computes. kNone: its region lies in no known data zone.
/// Source: Azure OpenAI deployment types; zones by the geography of the region.
Residency residency_of(Sku sku, std::string_view region);

}  // namespace wye::config
