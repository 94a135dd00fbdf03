// tests/golden/compile/*.ir: a comment that lists passes, a graph, "# becomes", and the graph that
// they make of it. TENON_UPDATE_GOLDEN=1 writes the second part again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/strings.h"
#include "tenon/compile/pass.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"

namespace tenon {
namespace {

/// A machine with a library for products and nothing else, whatever this one has.
class DotLibrary : public KernelOracle {
 public:
  bool has_kernel(const Graph&, const Node& node) const override { return node.op->name == "dot"; }
};

std::unique_ptr<Graph> run_passes(const Graph& graph, const std::string& names) {
  std::vector<Pass> passes;
  for (const Pass& pass : standard_passes()) {
    bool wanted = (" " + names + " ").find(" " + pass.name + " ") != std::string::npos;
    if (names == "all" || wanted) passes.push_back(pass);
  }
  DotLibrary oracle;
  return PassManager({core_ops(), oracle}, {}).run(graph, passes);
}

class PassGolden : public testing::TestWithParam<std::string> {};

TEST_P(PassGolden, MakesTheGraph) {
  const std::string marker = "# becomes\n";
  std::string text = read_file(GetParam());
  size_t split = text.find(marker);
  ASSERT_NE(split, std::string::npos);
  std::string source = text.substr(0, split);
  std::string names = source.substr(2, source.find('\n') - 2);
  std::string actual = to_text(*run_passes(*parse_graph(source, core_ops()), names)) + "\n";
  if (std::getenv("TENON_UPDATE_GOLDEN")) {
    atomic_write(GetParam(), source + marker + actual);
  } else {
    EXPECT_EQ(actual, text.substr(split + marker.size())) << GetParam();
  }
}

std::vector<std::string> golden_files() {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden/compile", none)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, PassGolden, testing::ValuesIn(golden_files()),
                         [](const auto& info) {
                           return std::filesystem::path(info.param).stem().string();
                         });

TEST(PassManager, NamesThePassThatDoesNotExist) {
  auto graph = parse_graph("graph f(%x: f32[2]) -> (%y: f32[2]) {\n  return %x\n}", core_ops());
  DotLibrary oracle;
  try {
    PassManager({core_ops(), oracle}, {.disabled = {"simplifi"}}).run(*graph, standard_passes());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "there is no pass 'simplifi'");
    EXPECT_NE(std::string(error.what()).find("simplify"), std::string::npos);
  }
}

TEST(PassManager, LeavesOutWhatIsDisabledAndTimesTheRest) {
  std::string text = read_file("tests/golden/compile/merge.ir");
  auto graph = parse_graph(text.substr(0, text.find("# becomes")), core_ops());
  DotLibrary oracle;
  PassManager passes({core_ops(), oracle}, {.disabled = {"cse", "cse-again"}});
  passes.run(*graph, standard_passes());
  EXPECT_EQ(passes.times().size(), standard_passes().size() - 2);
  for (const PassTime& time : passes.times()) EXPECT_NE(time.name, "cse");
}

}  // namespace
}  // namespace tenon
