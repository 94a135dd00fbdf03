#include "tenon/format/dlpack.h"

#include <array>

#include "tests/format/support.h"

namespace tenon {
namespace {

TEST(Dlpack, EveryDtypeGoesOutAndComesBackInPlace) {
  for (auto& [name, array] : one_of_each_dtype()) {
    const Literal expected = array;
    const std::byte* data = array.data();
    DlpackArray in(to_dlpack(array.clone()));
    EXPECT_EQ(in.copy(), expected) << name;
    EXPECT_FALSE(in.read_only());
    const DlpackArray old(to_dlpack_unversioned(expected));
    EXPECT_EQ(old.copy(), expected) << name;
    EXPECT_TRUE(old.contiguous());
    EXPECT_EQ(array.data(), data);
  }
}

TEST(Dlpack, LentMemoryIsNotCopiedAndIsGivenBack) {
  auto owner = std::make_shared<Literal>(Literal::of<float>({2}, {1, 2}));
  const std::weak_ptr<Literal> watch = owner;
  {
    const DlpackArray in(to_dlpack(*owner, owner, /*read_only=*/true));
    EXPECT_EQ(in.view().bytes.data(), owner->data());
    EXPECT_TRUE(in.read_only());
    owner.reset();
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

/// A foreign array whose deleter counts.
struct Foreign {
  std::array<int32_t, 6> data = {1, 2, 3, 4, 5, 6};
  std::array<int64_t, 2> shape = {3, 2};
  std::array<int64_t, 2> strides = {1, 3};
  int deleted = 0;
  DLManagedTensorVersioned managed{.version = {1, 1},
                                   .manager_ctx = this,
                                   .deleter =
                                       [](DLManagedTensorVersioned* self) {
                                         ++static_cast<Foreign*>(self->manager_ctx)->deleted;
                                       },
                                   .flags = 0,
                                   .dl_tensor = {.data = data.data(),
                                                 .device = {kDLCPU, 0},
                                                 .ndim = 2,
                                                 .dtype = {kDLInt, 32, 1},
                                                 .shape = shape.data(),
                                                 .strides = strides.data(),
                                                 .byte_offset = 0}};
};

TEST(Dlpack, BoolsAreTrueWhereTheyAreNotZero) {
  // As numpy.array([0, 1, 2, 255, 0, 3], "u1").view(bool), with strides and without.
  Foreign foreign;
  std::array<uint8_t, 6> data = {0, 1, 2, 255, 0, 3};
  foreign.managed.dl_tensor.data = data.data();
  foreign.managed.dl_tensor.dtype = {kDLBool, 8, 1};
  EXPECT_EQ(DlpackArray(&foreign.managed).copy(),
            Literal::of<bool>({3, 2}, {false, true, true, false, true, true}));
  foreign.strides = {2, 1};
  const DlpackArray straight(&foreign.managed);
  EXPECT_FALSE(straight.contiguous());
  EXPECT_EQ(straight.copy(), Literal::of<bool>({3, 2}, {false, true, true, true, false, true}));
}

TEST(Dlpack, StridedArraysAreCopied) {
  Foreign foreign;
  {
    const DlpackArray in(&foreign.managed);
    EXPECT_FALSE(in.contiguous());
    EXPECT_EQ(thrown_by([&] { in.view(); }).code(), ErrorCode::invalid_argument);
    EXPECT_EQ(in.copy(), Literal::of<int32_t>({3, 2}, {1, 4, 2, 5, 3, 6}));
  }
  EXPECT_EQ(foreign.deleted, 1);
}

TEST(Dlpack, NegativeStridesAndOffsets) {
  Foreign foreign;
  foreign.strides = {-2, 1};
  foreign.managed.dl_tensor.byte_offset = 4 * sizeof(int32_t);
  const DlpackArray in(&foreign.managed);
  EXPECT_EQ(in.copy(), Literal::of<int32_t>({3, 2}, {5, 6, 3, 4, 1, 2}));
}

TEST(Dlpack, WhatCannotBeTakenIsGivenBack) {
  const auto refused = [](auto change) {
    Foreign foreign;
    change(foreign.managed);
    const ErrorCode code = thrown_by([&] { DlpackArray in(&foreign.managed); }).code();
    EXPECT_EQ(foreign.deleted, 1);
    return code;
  };
  EXPECT_EQ(refused([](auto& m) { m.version.major = 2; }), ErrorCode::unsupported);
  EXPECT_EQ(refused([](auto& m) { m.dl_tensor.device.device_type = 2; }), ErrorCode::unsupported);
  EXPECT_EQ(refused([](auto& m) { m.dl_tensor.dtype.lanes = 4; }), ErrorCode::unsupported);
  EXPECT_EQ(refused([](auto& m) { m.dl_tensor.shape[0] = -1; }), ErrorCode::corrupt);
  EXPECT_EQ(refused([](auto& m) { m.dl_tensor.data = nullptr; }), ErrorCode::corrupt);
}

}  // namespace
}  // namespace tenon
