// An executable on arrays of the host, as tests have them.
//
//   auto executable = compile(graph, core_ops());
//   EXPECT_EQ(run(*executable, inputs, 1), run(*executable, inputs, 2));
#pragma once

#include <vector>

#include "tenon/base/parallel.h"
#include "tenon/runtime/executable.h"

namespace tenon {

/// On copies of the inputs, on so many threads from now on.
inline std::vector<Literal> run(const Executable& executable, const std::vector<Literal>& inputs,
                                int threads) {
  set_thread_count(threads);
  std::vector<Buffer> buffers;
  for (const Literal& input : inputs) buffers.push_back(Buffer::copy_of(input));
  std::vector<Literal> outputs;
  for (const Buffer& output : executable.run(std::move(buffers)))
    outputs.push_back(output.to_literal());
  return outputs;
}

}  // namespace tenon
