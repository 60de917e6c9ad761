#include <chrono>

#include "config/load/test_documents.hpp"

namespace wye::config {
namespace {

TEST(LoadScale, TenThousandDocumentsAreReadInSeconds) {
  std::vector<NamedText> files;
  for (int file = 0; file < 100; ++file) {
    std::string text;
    for (int i = 0; i < 100; ++i) {
      const std::string name = "t" + std::to_string(file) + "-" + std::to_string(i);
      text += document("Tenant", name, "  dataClassMax: internal\n  regions: [swedencentral]") + "---\n";
    }
    files.push_back({"f" + std::to_string(file) + ".yaml", std::move(text)});
  }
  const auto start = std::chrono::steady_clock::now();
  const Loaded loaded = load_texts(files);
  EXPECT_TRUE(loaded.ok()) << all_findings(loaded).substr(0, 1000);
  EXPECT_EQ(loaded.resources.tenants.size(), 10'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));  // two under AddressSanitizer on two cores
  files.push_back({"one-more.yaml", document("Tenant", "one-more", "  {}")});
  EXPECT_FALSE(load_texts(files).ok());
}

}  // namespace
}  // namespace wye::config
