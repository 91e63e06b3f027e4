"""From runs of relay_load to a table with medians over the rounds and ratios."""

import statistics


def one_line(result):
    if result["mode"] in ("relay", "direct"):
        delay = result["delay_us"]
        return (f"{result['packets_per_second']:9.0f}/s  loss {100 * result['loss']:6.3f} %  "
                f"delay {delay['p50']:6.0f} {delay['p99']:7.0f} {delay['p999']:7.0f} us  "
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
    if result["mode"] == "junk":
        return (f"{result['datagrams_per_second']:9.0f}/s  "
                f"process {result['process_us_per_datagram']:5.2f} us each")
    if result["mode"] == "stream":
        return (f"{result['received']} of {result['sent']} came back  "
                f"process {result['process_us_per_message']:5.1f} us each")
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
            ours, theirs = (median(self.runs, program, case, value)
                            for program in ("ahoy", "coturn"))
            better, worse = (theirs, ours) if smaller_is_better else (ours, theirs)
            ratio = f"{better / worse:.2f}" if worse > 0 else ""
            line += f" {ours:,.{digits}f} | {theirs:,.{digits}f} | {ratio} |"
        self.lines.append(line)


def median(runs, program, case, value):
    return statistics.median(value(run) for run in runs
                             if run["program"] == program and run["case"] == case)


def programs_of(runs):
    return list(dict.fromkeys(run["program"] for run in runs))


def cases_of(runs):
    return list(dict.fromkeys(run["case"] for run in runs))


def beside(title, runs, value, digits=2, ratios=()):
    """A column for each program, and for each pair of them how many times the second's the first's
    is."""
    programs = programs_of(runs)
    ratios = [(a, b) for a, b in ratios if a in programs and b in programs]
    columns = programs + [f"{a} / {b}" for a, b in ratios]
    lines = [f"| {title} |" + "".join(f" {column} |" for column in columns),
             "|---|" + "--:|" * len(columns)]
    for case in cases_of(runs):
        shown = {program: median(runs, program, case, value) for program in programs}
        cells = [f"{cost:,.{digits}f}" for cost in shown.values()]
        cells += [f"{shown[a] / shown[b]:.2f}" if shown[b] else "" for a, b in ratios]
        lines.append(f"| {case} |" + "".join(f" {cell} |" for cell in cells))
    return "\n".join(lines) + "\n"


def is_windowed(run):
    return run["mode"] in ("relay", "direct") and run["rate"] == 0


def is_at_rate(run):
    return run["mode"] == "relay" and run["rate"] > 0


DELAYS = [("p50", "p50"), ("p99", "p99"), ("p99.9", "p999")]


def delay(name):
    return lambda run: run["delay_us"][name]


def loss(run):
    return 100 * run["loss"]


def kernel_path(runs):
    windowed = list(filter(is_windowed, runs))
    at_rates = list(filter(is_at_rate, runs))
    tables = [beside("core, µs/packet", windowed, core,
                     ratios=[("coturn", "kernel"), ("kernel", "forwarding")]),
              beside("packets/s", windowed, lambda run: run["packets_per_second"], 0)]
    for title, name in DELAYS:
        tables.append(beside(f"delay {title}, µs", at_rates, delay(name), 0,
                             ratios=[("coturn", "kernel")]))
    tables.append(beside("loss, %", at_rates, loss, 3))
    tables.append(beside("core, µs/packet", at_rates, core, ratios=[("coturn", "kernel")]))
    return "\n".join(tables)


def markdown(results):
    runs = results["runs"]
    windowed = list(filter(is_windowed, runs))
    at_rates = list(filter(is_at_rate, runs))
    cost = [("core, µs/packet", core, 2, True), ("process, µs/packet", process, 2, True),
            ("with NAPI, µs/packet", process_and_kernel, 2, True)]
    rate = [("packets/s", lambda r: r["packets_per_second"], 0, False)]
    tables = [
        (windowed, cost + rate),
        (at_rates, [(f"delay {title}, µs", delay(name), 0, True) for title, name in DELAYS]),
        (at_rates, rate + [("loss, %", loss, 3, True)] + cost[1:]),
        ([run for run in runs if run["mode"] == "allocate"],
         [("allocations/s", lambda r: r["allocations_per_second"], 0, False),
          ("process, µs each", lambda r: r["process_us_per_allocation"], 1, True),
          ("core, µs each", lambda r: r["core_us_per_allocation"], 1, True)]),
        ([run for run in runs if run["mode"] == "idle"],
         [("KiB resident each", lambda r: r["kib_per_allocation"], 2, True)]),
        ([run for run in runs if run["mode"] == "junk"],
         [("process, µs each", lambda r: r["process_us_per_datagram"], 2, True)]),
        ([run for run in runs if run["mode"] == "stream"],
         [("process, µs/message", lambda r: r["process_us_per_message"], 1, True),
          ("loss, %", loss, 3, True)]),
    ]
    machine = results["machine"]
    text = (f"{machine['ahoy']}, coturn {machine['coturn']}, Linux {machine['kernel']}, "
            f"{machine['cores']} {'virtual ' if machine['virtual'] else ''}cores, medians of "
            f"{results['rounds']} round(s) of {results['seconds']:g} s"
            f"{', in front of other programs' if results['realtime'] else ''}. "
            "Ratio: above 1 ahoy is better.\n")
    if results["kernel_path"]:
        return text + "\n" + kernel_path(runs)
    for rows, figures in tables:
        table = Table(rows, figures)
        for case in cases_of(rows):
            table.row(case)
        text += "\n" + "\n".join(table.lines) + "\n"
    if "bare" in programs_of(runs):
        text += "\n" + beside("core, µs/packet", windowed, core)
        cases = cases_of(run for run in at_rates if run["program"] == "bare")
        nearly_full = [run for run in at_rates if run["case"] in cases]
        text += "\n" + beside("loss, %", nearly_full, loss, 3)
        text += "\n" + beside("delay p99, µs", nearly_full, delay("p99"), 0)
    return text
