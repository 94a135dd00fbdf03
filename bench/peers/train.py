"""Runs a reference work with a peer, one command a line, so that a driver can alternate with it.

    train.py --work lenet_b64 --peer torch_eager            then, on standard input:
    load FILE       parameters, running averages and batch (names and layouts: works.py)
    outputs FILE    one step from the loaded values: loss, gradient/PATH, updated/PATH
    time SECONDS    steps for so long: "best MS median MS steps N"
    memory          "growth BYTES state BYTES": how far one step raises the resident memory above
                    what stays between steps, and what stays
    quit

Every command is answered by one line: what it says above, "ok", or "error WHY". Peers:
torch_eager, torch_compile (model and optimiser), jax; works: see works.py. With --measure SECONDS it
makes its own values, prints a line of figures and ends.
"""

import argparse
import ctypes
import gc
import os
import sys
import time
import warnings

PEERS = ("torch_eager", "torch_compile", "jax")


def limit_threads(count):
    """Before the peers load: several of them read these once and never again."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(count)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > count:  # XLA sizes its pool by the cores it may use
        os.sched_setaffinity(0, cores[:count])


# What TENON_CPU is called by the libraries in the peers: oneDNN, PyTorch's own kernels, MKL, and XLA, which
# limits what it compiles, but not its own matrix products: nothing does (JAX 0.10.2).
CPU_LIMITS = {
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
             "MKL_ENABLE_INSTRUCTIONS": "AVX2", "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
    "baseline": {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default",
                 "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"},
}


def limit_instructions():
    """The peers may use what TENON_CPU allows us, unless their own variables say something else."""
    for name, value in CPU_LIMITS.get(os.environ.get("TENON_CPU"), {}).items():
        os.environ.setdefault(name, value)


def make_peer(options):
    if options.peer == "jax":
        from jax_peer import JaxPeer
        return JaxPeer(options.work)
    from torch_peer import TorchPeer
    return TorchPeer(options.work, options.peer == "torch_compile", options.threads,
                     channels_last=options.option == "channels_last",
                     float64=options.option == "float64")


def time_steps(peer, seconds):
    # bench/train --cpu-time sets the variable.
    clock = time.process_time if os.environ.get("TENON_BENCH_CLOCK") == "cpu" else time.perf_counter
    times = []
    end = clock() + seconds
    while clock() < end or len(times) < 3:
        start = clock()
        peer.step()
        times.append((clock() - start) * 1e3)
    times.sort()
    return f"best {times[0]:.4f} median {times[len(times) // 2]:.4f} steps {len(times)}"


def resident(field):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def memory(peer):
    growth = []
    for _ in range(3):
        peer.forget_gradients()
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")  # sets the peak back to the present
        before = resident("VmRSS")
        peer.step()
        growth.append(resident("VmHWM") - before)
    return f"growth {min(growth)} state {peer.state_bytes()}"


def serve(peer):
    from safetensors.numpy import load_file, save_file
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        try:
            if command == "quit":
                return
            if command == "load":
                peer.load(load_file(argument))
                answer = "ok"
            elif command == "outputs":
                save_file(peer.outputs(), argument)
                answer = "ok"
            elif command == "time":
                answer = time_steps(peer, float(argument))
            elif command == "memory":
                answer = memory(peer)
            else:
                answer = f"error unknown command {command!r}"
        except Exception as error:
            answer = "error " + " ".join(f"{type(error).__name__}: {error}".split())
        print(answer, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True)
    parser.add_argument("--peer", required=True, choices=PEERS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--option", choices=("channels_last", "float64"),
                        help="PyTorch's other image layout, or double precision")
    parser.add_argument("--measure", type=float, metavar="SECONDS")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # one answer a line, nothing between
    limit_threads(options.threads)
    limit_instructions()
    import works
    if options.work not in works.WORKS:
        parser.error(f"unknown work {options.work!r}; there are {', '.join(works.WORKS)}")
    peer = make_peer(options)
    if options.measure is None:
        print("ready", flush=True)
        serve(peer)
        return
    start = time.perf_counter()
    peer.load(works.initial_values(peer.work))
    first = time.perf_counter() - start
    figures = time_steps(peer, options.measure)
    print(f"{options.work:11s} {options.peer:14s} {figures} first_s {first:.2f} {memory(peer)}",
          flush=True)


if __name__ == "__main__":
    main()
