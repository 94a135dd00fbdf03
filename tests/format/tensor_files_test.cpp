#include "tenon/format/tensor_files.h"

#include "tenon/format/dlpack.h"
#include "tenon/format/safetensors.h"
#include "tenon/tensor/numpy.h"
#include "tests/format/support.h"

namespace tenon {
namespace {

TEST(TensorFiles, TreesKeepTheirPathsAndValues) {
  const TemporaryFolder folder;
  Tree tree;
  tree.set("encoder.0.weight", Tensor{{1.0, 2.0}, {3.0, 4.0}} * 2);  // pending until it is saved
  tree.set("encoder.0.bias", Tensor{1.0, 2.0});
  tree.set("step", Tensor(7));
  save_safetensors(folder / "a.safetensors", tree, {{"epoch", "3"}});
  save_npz(folder / "a.npz", tree);
  for (const Tree& loaded :
       {load_safetensors(folder / "a.safetensors"), load_npz(folder / "a.npz")}) {
    EXPECT_EQ(loaded.leaf_count(), 3u);
    EXPECT_EQ(loaded.at("encoder.0.weight").literal(), Literal::of<float>({2, 2}, {2, 4, 6, 8}));
    EXPECT_EQ(loaded.at("step").item_int(), 7);
  }
  EXPECT_EQ(SafetensorsFile(folder / "a.safetensors").metadata().at("epoch"), "3");
}

TEST(TensorFiles, AMappedTensorOutlivesTheReplacementOfItsFile) {
  const TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  Tree tree;
  tree.set("x", Tensor{1.0, 2.0, 3.0});
  save_safetensors(path, tree);
  const Tree loaded = load_safetensors(path);
  tree.set("x", Tensor{9.0});
  save_safetensors(path, tree);
  EXPECT_EQ(loaded.at("x").literal(), Literal::of<float>({3}, {1, 2, 3}));
}

TEST(TensorFiles, AnyTreeIsSavedByItsPaths) {
  struct Layer {
    Tensor weight, bias;
  };
  const TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  const std::vector<Layer> layers = {{Tensor{{1, 2}}, Tensor{3}}, {Tensor{{4, 0}}, Tensor{5}}};
  save_safetensors(path, layers);
  EXPECT_EQ(load_safetensors(path).at("1.bias").item(), 5);
  std::vector<Layer> other = map_leaves([](const Tensor& x) { return zeros_like(x); }, layers);
  other = load_safetensors(path, other);
  EXPECT_EQ(other[0].weight.literal(), layers[0].weight.literal());
}

TEST(TensorFiles, OnlyWhatIsAskedForMustBeReadable) {
  const std::filesystem::path path = "tests/golden/format/mixed.safetensors";
  EXPECT_NE(std::string(thrown_by([&] { load_safetensors(path); }).what()).find("names"),
            std::string::npos);
  EXPECT_EQ(thrown_by([&] { load_safetensors(path, {"C64"}); }).code(), ErrorCode::unsupported);
  const Tree some = load_safetensors(path, {"U16", "F32"});
  EXPECT_EQ(some.paths(), (std::vector<std::string>{"U16", "F32"}));
  EXPECT_EQ(some.at("U16").literal(), Literal::of<int32_t>({2}, {1, 65535}));
  struct Part {
    Tensor F32, BOOL;
  };
  EXPECT_EQ(load_safetensors(path, Part{zeros({2}), Tensor()}).F32.literal(),
            Literal::of<float>({2}, {1, 2}));
  const Error error = thrown_by([&] { load_safetensors(path, {"F33"}); });
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_NE(std::string(error.what()).find("F32"), std::string::npos) << error.what();
  const std::filesystem::path archive = "tests/golden/format/odd.npz";
  EXPECT_NE(std::string(thrown_by([&] { load_npz(archive); }).what()).find("load_npz(path, names)"),
            std::string::npos);
  EXPECT_EQ(load_npz(archive, {"large"}).at("large").literal(), Literal::of<float>({3}, {0, 1, 2}));
  const Tree whole = load_safetensors("tests/golden/format/whole.safetensors");
  EXPECT_EQ(whole.at("U64").literal().type().to_string(), "i64[2,3]");
}

TEST(TensorFiles, ErrorsNameTheFileOfATensor) {
  const TemporaryFolder folder;
  Tree tree;
  tree["encoder.weight"] = zeros({32, 128});
  save_safetensors(folder / "old.safetensors", tree);
  const Tensor weight = load_safetensors(folder / "old.safetensors").at("encoder.weight");
  const std::string origin = "encoder.weight, loaded from " + (folder / "old.safetensors").string();
  EXPECT_EQ(weight.name(), origin);
  try {
    matmul(zeros({8, 64}), weight);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(origin), std::string::npos) << error.what();
  }
}

TEST(TensorFiles, NpyHoldsOneTensor) {
  const TemporaryFolder folder;
  save_npy(folder / "a.npy", Tensor{{1.0, 2.0}});
  EXPECT_EQ(load_npy(folder / "a.npy").literal(), Literal::of<float>({1, 2}, {1, 2}));
}

TEST(TensorFiles, DlpackSharesMemoryBothWays) {
  const Tensor x{1.0, 2.0, 3.0};
  const void* data = x.buffer().data();
  const Tensor y = from_dlpack(to_dlpack(x));
  EXPECT_EQ(y.buffer().data(), data);
  EXPECT_EQ(y.literal(), x.literal());
}

}  // namespace
}  // namespace tenon
