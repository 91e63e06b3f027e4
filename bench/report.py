"""From runs of relay_load to a table with medians over the rounds and ratios."""

import statistics


def one_line(result):
    if result["mode"] == "relay":
        server, delay = result["server"], result["delay_us"]
        cost = server["process_us_per_packet"] + server["kernel_threads_us_per_packet"]
        return (f"{result['packets_per_second']:9.0f}/s  loss {100 * result['loss']:6.3f} %  "
                f"delay {delay['p50']:6.0f} {delay['p99']:7.0f} us  "
                f"process {server['process_us_per_packet']:5.2f}  with kernel {cost:5.2f}  "
                f"core {server['core_us_per_packet']:5.2f} us/packet"
                + "".join(f"  {where}: {n} lost" for where, n in result["dropped"].items() if n)
                + (f"  others had {100 * result['foreign']:.0f} % of the core"
                   if result["foreign"] > 0.1 else "")
                + (f"  {result['remark']}" if result["remark"] else ""))
    if result["mode"] == "allocate":
        return (f"{result['allocations_per_second']:9.0f}/s  "
                f"process {result['process_us_per_allocation']:5.1f} us each")
    return (f"{result['kib_per_allocation']:9.2f} KiB each, "
            f"{result['resident_before_kib'] / 1024:.1f} MiB before")


def cost_us(run):
    server = run["server"]
    return server["process_us_per_packet"] + server["kernel_threads_us_per_packet"]


def median(runs, server, case, value):
    return statistics.median(value(run) for run in runs
                             if run["program"] == server and run["case"] == case)


def markdown(results):
    runs = results["runs"]
    cases = list(dict.fromkeys(run["case"] for run in runs))
    mode = {run["case"]: run["mode"] for run in runs}

    def row(case, what, value, digits, smaller_is_better):
        ours, theirs = (median(runs, server, case, value) for server in ("ahoy", "coturn"))
        pair = (theirs, ours) if smaller_is_better else (ours, theirs)
        ratio = f"{pair[0] / pair[1]:.1f} ×" if pair[1] > 0 else ""
        return f"| {case} | {what} | {ours:,.{digits}f} | {theirs:,.{digits}f} | {ratio} |"

    lines = ["| case | figure | ahoy | coturn | ahoy is better by |", "|---|---|--:|--:|--:|"]
    for case in (c for c in cases if mode[c] == "relay"):
        at_a_rate = max(run["rate"] for run in runs if run["case"] == case) > 0
        lines.append(row(case, "server core busy, µs/packet",
                         lambda r: r["server"]["core_us_per_packet"], 2, True))
        lines.append(row(case, "process and its NAPI threads, µs/packet", cost_us, 2, True))
        lines.append(row(case, "process alone, µs/packet",
                         lambda r: r["server"]["process_us_per_packet"], 2, True))
        lines.append(row(case, "packets/s", lambda r: r["packets_per_second"], 0, False))
        if at_a_rate:
            lines.append(row(case, "delay p50, µs", lambda r: r["delay_us"]["p50"], 0, True))
            lines.append(row(case, "delay p99, µs", lambda r: r["delay_us"]["p99"], 0, True))
            lines.append(row(case, "loss, %", lambda r: 100 * r["loss"], 3, True))
    for case in (c for c in cases if mode[c] == "allocate"):
        lines.append(row(case, "allocations/s", lambda r: r["allocations_per_second"], 0, False))
        lines.append(row(case, "process, µs/allocation",
                         lambda r: r["process_us_per_allocation"], 1, True))
    for case in (c for c in cases if mode[c] == "idle"):
        lines.append(row(case, "KiB resident each", lambda r: r["kib_per_allocation"], 2, True))
    machine = results["machine"]
    head = (f"{machine['ahoy']}, coturn {machine['coturn']}, Linux {machine['kernel']}, "
            f"{machine['cores']} {'virtual ' if machine['virtual'] else ''}cores; medians of "
            f"{results['rounds']} round(s) of {results['seconds']:g} s")
    return head + "\n\n" + "\n".join(lines) + "\n"
