"""From runs of relay_load to a table with medians over the rounds and ratios."""

import statistics


def one_line(result):
    if result["mode"] == "relay":
        delay = result["delay_us"]
        return (f"{result['packets_per_second']:9.0f}/s  loss {100 * result['loss']:6.3f} %  "
                f"delay {delay['p50']:6.0f} {delay['p99']:7.0f} us  "
                f"core {core(result):5.2f}  process {process(result):5.2f}  "
                f"with NAPI {process_and_kernel(result):5.2f} us/packet"
                + "".join(f"  {where}: {n} lost" for where, n in result["dropped"].items() if n)
                + (f"  others had {100 * result['foreign']:.0f} % of the core"
                   if result["foreign"] > 0.1 else "")
                + (f"  {result['remark']}" if result["remark"] else ""))
    if result["mode"] == "allocate":
        return (f"{result['allocations_per_second']:9.0f}/s  "
                f"process {result['process_us_per_allocation']:5.1f} us each"
                + (f"  {result['ports_taken']} ports taken" if result["ports_taken"] else ""))
    return (f"{result['kib_per_allocation']:9.2f} KiB each, "
            f"{result['resident_before_kib'] / 1024:.1f} MiB before")


def core(run):
    return run["server"]["core_us_per_packet"]


def process(run):
    return run["server"]["process_us_per_packet"]


def process_and_kernel(run):
    return process(run) + run["server"]["kernel_threads_us_per_packet"]


class Table:
    """Rows of cases; for each figure ahoy's and coturn's median and how much better ahoy's is."""

    def __init__(self, runs, figures):
        self.runs = runs
        self.figures = figures  # (title, value of a run, digits, whether smaller is better)
        self.lines = ["| |" + "".join(f" {title} | | |" for title, *_ in figures),
                      "|---|" + "--:|--:|--:|" * len(figures),
                      "| |" + " ahoy | coturn | ratio |" * len(figures)]

    def row(self, case):
        line = f"| {case} |"
        for _, value, digits, smaller_is_better in self.figures:
            ours, theirs = (
                statistics.median(value(run) for run in self.runs
                                  if run["program"] == program and run["case"] == case)
                for program in ("ahoy", "coturn"))
            better, worse = (theirs, ours) if smaller_is_better else (ours, theirs)
            ratio = f"{better / worse:.2f}" if worse > 0 else ""
            line += f" {ours:,.{digits}f} | {theirs:,.{digits}f} | {ratio} |"
        self.lines.append(line)


def ceiling(runs):
    """What a packet costs the server's core, beside the forwarders that know nothing of TURN."""
    programs = list(dict.fromkeys(run["program"] for run in runs))
    lines = ["| core, µs/packet |" + "".join(f" {program} |" for program in programs),
             "|---|" + "--:|" * len(programs)]
    for case in dict.fromkeys(run["case"] for run in runs if run["program"] == "bare"):
        costs = (statistics.median(core(run) for run in runs
                                   if run["program"] == program and run["case"] == case)
                 for program in programs)
        lines.append(f"| {case} |" + "".join(f" {cost:.2f} |" for cost in costs))
    return "\n".join(lines) + "\n"


def markdown(results):
    runs = results["runs"]
    windowed = [run for run in runs if run["mode"] == "relay" and run["rate"] == 0]
    at_rates = [run for run in runs if run["mode"] == "relay" and run["rate"] > 0]
    cost = [("core, µs/packet", core, 2, True), ("process, µs/packet", process, 2, True),
            ("with NAPI, µs/packet", process_and_kernel, 2, True)]
    rate = [("packets/s", lambda r: r["packets_per_second"], 0, False)]
    tables = [
        (windowed, cost + rate),
        (at_rates, rate + [("delay p50, µs", lambda r: r["delay_us"]["p50"], 0, True),
                           ("delay p99, µs", lambda r: r["delay_us"]["p99"], 0, True),
                           ("loss, %", lambda r: 100 * r["loss"], 3, True)] + cost[2:]),
        ([run for run in runs if run["mode"] == "allocate"],
         [("allocations/s", lambda r: r["allocations_per_second"], 0, False),
          ("process, µs each", lambda r: r["process_us_per_allocation"], 1, True)]),
        ([run for run in runs if run["mode"] == "idle"],
         [("KiB resident each", lambda r: r["kib_per_allocation"], 2, True)]),
    ]
    machine = results["machine"]
    text = (f"{machine['ahoy']}, coturn {machine['coturn']}, Linux {machine['kernel']}, "
            f"{machine['cores']} {'virtual ' if machine['virtual'] else ''}cores, medians of "
            f"{results['rounds']} round(s) of {results['seconds']:g} s"
            f"{', in front of other programs' if results['realtime'] else ''}. "
            "Ratio: above 1 ahoy is better.\n")
    for rows, figures in tables:
        table = Table(rows, figures)
        for case in dict.fromkeys(run["case"] for run in rows):
            table.row(case)
        text += "\n" + "\n".join(table.lines) + "\n"
    if any(run["program"] == "bare" for run in runs):
        text += "\n" + ceiling(windowed)
    return text
