#include <functional>

#include "tenon/base/error.h"
#include "tenon/ops/control_flow.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

// The gates of an LSTM are in the order i, f, g, o and those of a GRU in the order r, z, n, as in
// PyTorch, so that weights carry over. What the gates get from the inputs of all steps is one large
// dot outside of the loop:
//   gates = dot(x, w_input) + bias;  lstm(gates, h, c, w_recurrent)

namespace tenon {

namespace {

using Values = std::vector<Value>;
using Arguments = std::span<const Value>;

Type without_time(const Type& type) {
  Type slice = type;
  slice.shape.erase(0);
  return slice;
}

GraphRef step_graph(const RuleContext& c, const char* name, std::span<const Type> types,
                    const std::function<Values(Arguments)>& step) {
  auto graph = std::make_shared<Graph>(name);
  Build build(*graph, c.build.ops());
  build.set_label(c.build.label());
  Values inputs;
  for (const Type& type : types) {
    inputs.push_back(build.input("x" + std::to_string(inputs.size()), type));
  }
  std::vector<ValueId> outputs;
  for (const Value& value : step(inputs)) outputs.push_back(value.id());
  graph->set_outputs(std::move(outputs));
  return graph;
}

/// Constants, carries and sequences in this order; `step` sees slices of the sequences.
Values scan(const RuleContext& c, const char* name, Arguments constants, Arguments carries,
            Arguments sequences, bool reverse, const std::function<Values(Arguments)>& step) {
  Values inputs(constants.begin(), constants.end());
  inputs.insert(inputs.end(), carries.begin(), carries.end());
  std::vector<Type> types;
  for (const Value& value : inputs) types.push_back(value.type());
  for (const Value& sequence : sequences) {
    inputs.push_back(sequence);
    types.push_back(without_time(sequence.type()));
  }
  const Scan call{.body = step_graph(c, name, types, step),
                  .constants = constants.size(),
                  .carries = carries.size(),
                  .xs = sequences.size(),
                  .length = sequences[0].dim(0),
                  .reverse = reverse};
  return call.emit(c.build, inputs);
}

/// [batch, n * hidden] as [batch, n, hidden], and gate k of it.
Value split_gates(Value gates, const Dim& hidden, int64_t count) {
  return reshape(gates, {gates.dim(0), count, hidden});
}
Value gate(Value split, int64_t k) { return squeeze(slice_axis(split, 1, k, k + 1), 1); }

void check_shape(std::string_view name, const Type& given, const Type& wanted) {
  if (given == wanted) return;
  fail(ErrorCode::shape_mismatch, "{} is {}; it should be {}", name, given.to_string(),
       wanted.to_string());
}

void check_rank(std::string_view name, const Type& given, size_t rank, std::string_view axes) {
  if (given.rank() == rank) return;
  fail(ErrorCode::shape_mismatch, "{} is {}; it needs the axes {}", name, given.to_string(), axes);
}

// --- LSTM ---

struct LstmState {
  Value h, c;
};

/// Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000, from activated gates.
LstmState lstm_update(Value activated, Value c) {
  Value next_c = gate(activated, 1) * c + gate(activated, 0) * gate(activated, 2);
  return {gate(activated, 3) * tanh(next_c), next_c};
}

/// Logistic for i, f, o and tanh for g, as one formula without branches: with s = 2 for g and 1 for
/// the others, s * logistic(s * x) - (s - 1), since tanh(x) = 2 * logistic(2 * x) - 1.
Value activate_lstm_gates(Value split) {
  Value position = iota(split.build(), DType::i32, split.shape(), 1);
  Value is_g = equal(position, 2.0);
  Value s = select(is_g, split.build().full_like(split, 2.0), 1.0);
  return s * logistic(s * split) - (s - 1.0);
}

std::vector<Type> infer_lstm_cell(InferContext& c) {
  const Type& gates = c.input(0);
  const Type& state = c.input(1);
  check_rank("c", state, 2, "[batch, hidden]");
  check_shape("gates", gates, {state.dtype, {state.dim(0), state.dim(1) * 4}});
  return {state, state};
}

std::vector<Type> infer_lstm(InferContext& c) {
  const Type& gates = c.input(0);
  const Type& h = c.input(1);
  check_rank("gates", gates, 3, "[time, batch, 4 * hidden]");
  check_rank("h", h, 2, "[batch, hidden]");
  const Dim& hidden = h.dim(1);
  check_shape("gates", gates, {h.dtype, {gates.dim(0), h.dim(0), hidden * 4}});
  check_shape("c", c.input(2), h);
  check_shape("weights", c.input(3), {h.dtype, {hidden, hidden * 4}});
  Type states{h.dtype, {gates.dim(0), h.dim(0), hidden}};
  return {states, states, gates};
}

Values lstm_value(RuleContext& c) {
  Value gates = c.inputs[0], weights = c.inputs[3];
  Dim hidden = c.inputs[1].dim(1);
  auto step = [&](Arguments x) -> Values {
    Value own = x[3] + dot(x[1], x[0], {{1}, {0}});
    Value activated = activate_lstm_gates(split_gates(own, hidden, 4));
    LstmState next = lstm_update(activated, x[2]);
    return {next.h, next.c, next.h, next.c, reshape(activated, own.shape())};
  };
  Values carries{c.inputs[1], c.inputs[2]};
  Values results = scan(c, "lstm_step", {&weights, 1}, carries, {&gates, 1}, false, step);
  return {results[2], results[3], results[4]};
}

/// The sequence one step earlier, with the initial state first.
Value delayed(Value initial, Value sequence) {
  Value first = expand_dims(initial, 0);
  Value parts[] = {first, slice_axis(sequence, 0, 0, sequence.dim(0) - 1)};
  return concatenate(parts, 0);
}

/// The loop from the last step to the first carries only the cotangents of the states; the gradient
/// of the weights is one large dot over all steps after it.
Values lstm_vjp(VjpContext& c) {
  Value y = c.outputs[0], cells = c.outputs[1], activated = c.outputs[2];
  Value weights = c.inputs[3];
  const Dim& hidden = c.inputs[1].dim(1);
  bool has_y = bool(c.cotangents[0]), has_c = bool(c.cotangents[1]), has_g = bool(c.cotangents[2]);
  Values sequences{activated, cells, delayed(c.inputs[2], cells)};
  for (const Value& cotangent : c.cotangents) {
    if (cotangent) sequences.push_back(cotangent);
  }
  auto step = [&](Arguments x) -> Values {
    Value w = x[0], dh = x[1], dc = x[2], previous_c = x[5];
    Value gates = split_gates(x[3], hidden, 4);
    Value i = gate(gates, 0), f = gate(gates, 1), g = gate(gates, 2), o = gate(gates, 3);
    Value tanh_c = tanh(x[4]);
    size_t next = 6;
    if (has_y) dh = dh + x[next++];
    if (has_c) dc = dc + x[next++];
    dc = dc + dh * o * (1.0 - tanh_c * tanh_c);
    Value by_gate[] = {expand_dims(dc * g, 1), expand_dims(dc * previous_c, 1),
                       expand_dims(dc * i, 1), expand_dims(dh * tanh_c, 1)};
    Value d_activated = concatenate(by_gate, 1);
    if (has_g) d_activated = d_activated + split_gates(x[next++], hidden, 4);
    // The slopes of logistic and tanh from their values: a * (1 - a) and 1 - a^2.
    Value is_g = equal(iota(w.build(), DType::i32, gates.shape(), 1), 2.0);
    Value slope = select(is_g, 1.0 - gates * gates, gates * (1.0 - gates));
    Value d_gates = reshape(d_activated * slope, x[3].shape());
    return {dot(d_gates, w, {{1}, {1}}), dc * f, d_gates};
  };
  Value zero = c.build.full_like(c.inputs[1], 0.0);
  Values carries{zero, zero};
  Values results = scan(c, "lstm_step_back", {&weights, 1}, carries, sequences, true, step);
  Value d_gates = results[2];
  Value d_weights;
  if (c.wanted[3]) {
    DotDims over_time{{0, 1}, {0, 1}};
    d_weights = dot(delayed(c.inputs[1], y), d_gates, over_time);
  }
  return {d_gates, results[0], results[1], d_weights};
}

void add_lstm(OpFamily& ops) {
  ops.add(
      composite("lstm_cell")
          .doc("One step of an LSTM from the sums that enter its gates, [batch, 4 * hidden] in the "
               "order i, f, g, o, and the cell state c. Returns the next h and c.")
          .input("gates", kFloating)
          .input("c", kFloating)
          .infer(infer_lstm_cell)
          .decompose([](RuleContext& c) -> Values {
            Value split = split_gates(c.inputs[0], c.inputs[1].dim(1), 4);
            LstmState next = lstm_update(activate_lstm_gates(split), c.inputs[1]);
            return {next.h, next.c};
          })
          .samples({"f32[3,8], f32[3,2]", "f32[n,12], f32[n,3]", "f64[1,4], f64[1,1]"}));
  ops.add(
      composite("lstm")
          .doc("An LSTM over [time, batch, …]. gates: what the gates (i, f, g, o) get from the "
               "inputs, dot(x, w_input) + bias, [time, batch, 4 * hidden]; h, c: the first states; "
               "weights: from h to the gates, [hidden, 4 * hidden]. Returns h, c and the activated "
               "gates of every step.")
          .input("gates", kFloating)
          .input("h", kFloating)
          .input("c", kFloating)
          .input("weights", kFloating)
          .infer(infer_lstm)
          .decompose(lstm_value)
          .vjp(lstm_vjp)
          .onnx("LSTM")
          .samples({"f32[4,2,12], f32[2,3], f32[2,3], f32[3,12]",
                    "f32[t,3,8], f32[3,2], f32[3,2], f32[2,8]",
                    "f32[1,n,8], f32[n,2], f32[n,2], f32[2,8]"}));
}

// --- GRU ---

/// Cho et al. 2014 in PyTorch's form: the reset gate acts on the recurrent sum, after its bias.
Value gru_update(Value from_input, Value from_state, Value h) {
  Value input = split_gates(from_input, h.dim(1), 3);
  Value state = split_gates(from_state, h.dim(1), 3);
  Value r = logistic(gate(input, 0) + gate(state, 0));
  Value z = logistic(gate(input, 1) + gate(state, 1));
  Value n = tanh(gate(input, 2) + r * gate(state, 2));
  return n + z * (h - n);
}

void add_gru(OpFamily& ops) {
  ops.add(
      composite("gru_cell")
          .doc("One step of a GRU from the sums that enter its gates, [batch, 3 * hidden] in the "
               "order r, z, n: from the inputs and from the state, biases included. Returns the "
               "next h.")
          .input("from_input", kFloating)
          .input("from_state", kFloating)
          .input("h", kFloating)
          .infer([](InferContext& c) -> std::vector<Type> {
            const Type& h = c.input(2);
            check_rank("h", h, 2, "[batch, hidden]");
            Type gates{h.dtype, {h.dim(0), h.dim(1) * 3}};
            check_shape("from_input", c.input(0), gates);
            check_shape("from_state", c.input(1), gates);
            return {h};
          })
          .decompose([](RuleContext& c) -> Values {
            return {gru_update(c.inputs[0], c.inputs[1], c.inputs[2])};
          })
          .samples({"f32[3,6], f32[3,6], f32[3,2]", "f32[n,9], f32[n,9], f32[n,3]"}));
  ops.add(
      composite("gru")
          .doc("A GRU over [time, batch, …]. gates: what the gates (r, z, n) get from the inputs, "
               "dot(x, w_input) + bias, [time, batch, 3 * hidden]; h: the first state; weights and "
               "bias: from h to the gates, [hidden, 3 * hidden] and [3 * hidden]. Returns h of "
               "every step.")
          .input("gates", kFloating)
          .input("h", kFloating)
          .input("weights", kFloating)
          .input("bias", kFloating)
          .infer([](InferContext& c) -> std::vector<Type> {
            const Type& gates = c.input(0);
            const Type& h = c.input(1);
            check_rank("gates", gates, 3, "[time, batch, 3 * hidden]");
            check_rank("h", h, 2, "[batch, hidden]");
            Dim triple = h.dim(1) * 3;
            check_shape("gates", gates, {h.dtype, {gates.dim(0), h.dim(0), triple}});
            check_shape("weights", c.input(2), {h.dtype, {h.dim(1), triple}});
            check_shape("bias", c.input(3), {h.dtype, {triple}});
            return {{h.dtype, {gates.dim(0), h.dim(0), h.dim(1)}}};
          })
          .decompose([](RuleContext& c) -> Values {
            Value gates = c.inputs[0], h = c.inputs[1];
            Values constants{c.inputs[2], c.inputs[3]};
            auto step = [](Arguments x) -> Values {
              Value from_state = dot(x[2], x[0], {{1}, {0}}) + x[1];
              Value next = gru_update(x[3], from_state, x[2]);
              return {next, next};
            };
            return {scan(c, "gru_step", constants, {&h, 1}, {&gates, 1}, false, step)[1]};
          })
          .onnx("GRU")
          .samples({"f32[4,2,9], f32[2,3], f32[3,9], f32[9]",
                    "f32[t,3,6], f32[3,2], f32[2,6], f32[6]"}));
}

}  // namespace

void register_recurrent(OpRegistry& registry) {
  OpFamily ops(registry, "recurrent");
  add_lstm(ops);
  add_gru(ops);
}

}  // namespace tenon
