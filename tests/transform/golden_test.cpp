// tests/golden/transform/*.ir: a comment that names the transform, a graph, "# becomes", and the
// graph that it becomes. TENON_UPDATE_GOLDEN=1 writes the second part again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/graph/text.h"
#include "tenon/graph/verify.h"
#include "tenon/ops/registry.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon {
namespace {

std::unique_ptr<Graph> transformed(const std::string& name, const Graph& graph) {
  if (name == "vjp") return vjp(graph, core_ops());
  if (name == "gradient") return gradient(graph, core_ops());
  if (name == "jvp") return jvp(graph, core_ops());
  if (name == "vmap") return vmap(graph, core_ops(), {.size = Dim::symbol("batch")});
  throw Error(ErrorCode::not_found, "no transform '" + name + "'");
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, Transform) {
  const std::string marker = "# becomes\n";
  std::string text = read_file(GetParam());
  size_t split = text.find(marker);
  ASSERT_NE(split, std::string::npos);
  std::string source = text.substr(0, split);
  std::string name = source.substr(2, source.find('\n') - 2);
  auto result = transformed(name, *parse_graph(source, core_ops()));
  verify(*result);
  std::string actual = to_text(*result) + "\n";
  if (std::getenv("TENON_UPDATE_GOLDEN")) {
    atomic_write(GetParam(), source + marker + actual);
  } else {
    EXPECT_EQ(actual, text.substr(split + marker.size())) << GetParam();
  }
}

std::vector<std::string> golden_files() {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden/transform", none)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files()), [](const auto& info) {
  return std::filesystem::path(info.param).stem().string();
});

}  // namespace
}  // namespace tenon
