// The findings, for people as they are made, or for programs as one JSON object at the end.
#pragma once

#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "probe/finding.h"
#include "probe/target.h"

namespace ahoy::probe {

// What was found out about a name, or by one way at one address.
struct Row {
    std::string name;
    std::optional<Way> way;  // absent: about the name alone
    std::optional<TransportAddress> address;
    std::vector<Finding> findings;

    Verdict verdict() const;  // the worst
};

// One line.
std::string to_text(const Finding&);
// What it means and what to do; empty when all is well.
std::string advice_text(const Finding&);
// A line for each way and address, and one for a name without any.
std::string table(const std::vector<Row>&);
std::string to_json(const std::vector<Row>&);

class Report {
  public:
    // `out`: null for silence.
    explicit Report(std::FILE* out) : out_(out) {}

    void begin(Row);
    void add(const Finding&);
    // For people only.
    void note(std::string_view);
    const std::vector<Row>& rows() const { return rows_; }
    Verdict verdict() const;  // the worst

  private:
    std::FILE* out_;
    std::vector<Row> rows_;
    std::set<std::string> told_;  // advice: each once, however many transports need it
};

}  // namespace ahoy::probe
