#include "probe/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace ahoy::probe {
namespace {

constexpr size_t line_width = 100;
constexpr size_t indent = 10;

double in_ms(Duration time) {
    return static_cast<double>(time.count()) / 1e6;
}

std::string_view upper_label(Transport transport) {
    switch (transport) {
        case Transport::udp:
            return "UDP";
        case Transport::tcp:
            return "TCP";
        case Transport::tls:
            return "TLS";
        default:
            return "DTLS";
    }
}

// In lines of their own, under the text of a finding.
std::string paragraph(std::string_view text) {
    std::string out;
    size_t column = line_width;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find(' ', at), text.size());
        if (column + 1 + end - at > line_width) {
            if (!out.empty()) out += '\n';
            out.append(indent, ' ');
            column = indent;
        } else {
            out += ' ';
            ++column;
        }
        out += text.substr(at, end - at);
        column += end - at;
        at = end + 1;
    }
    return out + '\n';
}

const Finding* find(const Row& row, Step step) {
    const auto found = std::find_if(row.findings.begin(), row.findings.end(),
                                    [&](const Finding& f) { return f.step == step; });
    return found == row.findings.end() ? nullptr : &*found;
}

// The steps with that verdict and why.
std::string list(const Row& row, Verdict verdict) {
    std::string text;
    for (const Finding& finding : row.findings) {
        if (finding.verdict != verdict) continue;
        text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", label(finding.step),
                            label(finding.cause));
    }
    return text;
}

std::string result(const Row& row) {
    switch (row.verdict()) {
        case Verdict::failed:
            return "FAILED: " + list(row, Verdict::failed);
        case Verdict::warning:
            return "works, but: " + list(row, Verdict::warning);
        default:
            break;
    }
    const Finding* const data = find(row, Step::channel_data);
    const Finding* const binding = find(row, Step::binding);
    if (data != nullptr && data->traffic) {
        return fmt::format("relays, {:.1f} ms there and back", in_ms(data->traffic->median));
    }
    if (row.verdict() == Verdict::skipped) return "not tried: " + list(row, Verdict::skipped);
    return binding != nullptr ? fmt::format("answers, {:.1f} ms", in_ms(binding->took)) : "";
}

boost::json::object json_of(const Finding& finding) {
    boost::json::object out{
        {"step", label(finding.step)},
        {"verdict",
         finding.verdict == Verdict::failed ? std::string_view("failed") : label(finding.verdict)},
        {"ms", in_ms(finding.took)},
        {"detail", finding.detail}};
    if (finding.address) out["address"] = finding.address->to_string();
    if (finding.traffic) {
        out["sent"] = finding.traffic->sent;
        out["received"] = finding.traffic->received;
        if (finding.traffic->received > 0) {
            out["median_ms"] = in_ms(finding.traffic->median);
            out["longest_ms"] = in_ms(finding.traffic->longest);
        }
    }
    if (finding.cause == Cause::none) return out;
    const Advice words = advice(finding.step, finding.cause);
    out["cause"] = label(finding.cause);
    out["meaning"] = words.meaning;
    out["remedy"] = words.remedy;
    return out;
}

}  // namespace

Verdict Row::verdict() const {
    Verdict worst = Verdict::ok;
    for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
    return worst;
}

std::string to_text(const Finding& finding) {
    std::string out = fmt::format("  {:<7} {:<12} {:>8.1f} ms", label(finding.verdict),
                                  label(finding.step), in_ms(finding.took));
    if (!finding.detail.empty()) out += "  " + finding.detail;
    return out + '\n';
}

std::string advice_text(const Finding& finding) {
    if (finding.cause == Cause::none) return "";
    const Advice words = advice(finding.step, finding.cause);
    return paragraph(words.meaning) + paragraph(words.remedy);
}

std::string table(const std::vector<Row>& rows) {
    std::vector<const Row*> shown;
    size_t width = 7;
    const auto place = [](const Row& row) {
        return row.address ? row.address->to_string() : row.name;
    };
    for (const Row& row : rows) {
        if (!row.way && row.verdict() == Verdict::ok) continue;
        shown.push_back(&row);
        width = std::max(width, place(row).size());
    }
    std::string out = fmt::format("{:<10} {:<{}}  {}\n", "transport", "address", width, "result");
    for (const Row* row : shown) {
        out += fmt::format("{:<10} {:<{}}  {}\n", row->way ? upper_label(row->way->transport) : "-",
                           place(*row), width, result(*row));
    }
    return out;
}

std::string to_json(const std::vector<Row>& rows) {
    boost::json::array all;
    bool failed = false;
    for (const Row& row : rows) {
        boost::json::array steps;
        for (const Finding& finding : row.findings) steps.push_back(json_of(finding));
        const bool bad = row.verdict() == Verdict::failed;
        failed |= bad;
        boost::json::object entry{{"name", row.name}, {"ok", !bad}};
        if (row.way) {
            entry["transport"] = label(row.way->transport);
            entry["uri"] = to_uri(*row.way);
        }
        if (row.address) entry["address"] = row.address->to_string();
        entry["steps"] = std::move(steps);
        all.push_back(std::move(entry));
    }
    return boost::json::serialize(boost::json::object{{"ok", !failed}, {"probes", all}}) + '\n';
}

void Report::begin(Row row) {
    rows_.push_back(std::move(row));
    if (out_ == nullptr) return;
    const Row& begun = rows_.back();
    if (begun.way && begun.address) {
        fmt::print(out_, "\n{} to {} ({})\n", upper_label(begun.way->transport),
                   begun.address->to_string(), to_uri(*begun.way));
    } else {
        fmt::print(out_, "\n{}\n", begun.name);
    }
}

void Report::add(const Finding& finding) {
    rows_.back().findings.push_back(finding);
    if (out_ == nullptr) return;
    const std::string words = advice_text(finding);
    const bool is_new = words.empty() || told_.insert(words).second;
    fmt::print(out_, "{}{}", to_text(finding), is_new ? words : paragraph("(as above)"));
    std::fflush(out_);
}

void Report::note(std::string_view text) {
    if (out_ != nullptr) fmt::print(out_, "{}", paragraph(text));
}

Verdict Report::verdict() const {
    Verdict worst = Verdict::ok;
    for (const Row& row : rows_) worst = std::max(worst, row.verdict());
    return worst;
}

}  // namespace ahoy::probe
