// The comments of tests/golden/compile/*.ir list passes.
#include "tenon/compile/pass.h"

#include "tenon/base/error.h"
#include "tests/golden.h"

namespace tenon {
namespace {

/// A machine with a library for products and nothing else, whatever this one has.
class DotLibrary : public KernelOracle {
 public:
  bool has_kernel(const Graph&, const Node& node) const override { return node.op->name == "dot"; }
};

std::unique_ptr<Graph> run_passes(const std::string& names, const Graph& graph) {
  std::vector<Pass> passes;
  for (const Pass& pass : standard_passes()) {
    bool wanted = (" " + names + " ").find(" " + pass.name + " ") != std::string::npos;
    if (names == "all" || wanted) passes.push_back(pass);
  }
  DotLibrary oracle;
  return PassManager({core_ops(), oracle}, {}).run(graph, passes);
}

class PassGolden : public testing::TestWithParam<std::string> {};

TEST_P(PassGolden, MakesTheGraph) { check_golden(GetParam(), run_passes); }

INSTANTIATE_TEST_SUITE_P(Files, PassGolden, testing::ValuesIn(golden_files("compile")), stem_of);

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
