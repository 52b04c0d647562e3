namespace Mayfly;

/// <summary>The style sheet of a report. It has no characters that XML would escape.</summary>
internal static class ReportStyle
{
    /// <summary>The class of a measured value, pale.</summary>
    public const string Raw = "raw";

    /// <summary>The class of a chart's main line.</summary>
    public const string Main = "main";

    /// <summary>The class of values measured now and then, with markers.</summary>
    public const string Points = "points";

    /// <summary>The class of a second line.</summary>
    public const string Second = "second";

    /// <summary>Rules for light and dark pages, wide and narrow ones, and paper.</summary>
    public const string Css = """
        :root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --text: #1d2228; --soft: #5c6670; --rule: #e1e5ea;
          --main: #1f6fd6; --points: #c8500a; --second: #11806a; --pale: .4; }
        @media (prefers-color-scheme: dark) {
          :root { --page: #101418; --card: #181d23; --text: #e5e9ee; --soft: #98a3af; --rule: #2c343d; --main: #5aa2ff; --points: #ff9a4d;
            --second: #3ec9a7; --pale: .55; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
        main { max-width: 1160px; margin: 0 auto; padding: 24px 20px 40px; display: grid;
          grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 16px; }
        header, .whole { grid-column: 1 / -1; }
        h1 { margin: 0; font-size: 26px; line-height: 1.25; overflow-wrap: anywhere; }
        h2 { margin: 0; font-size: 15px; font-weight: 600; }
        h3 { margin: 14px 0 6px; font-size: 14px; font-weight: 600; color: var(--soft); overflow-wrap: anywhere; }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 16px 0 0; }
        .figures div, figure, section { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
        .figures div { padding: 10px 14px; }
        dt { color: var(--soft); font-size: 13px; }
        dd { margin: 0; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
        dd small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); }
        figure, section { margin: 0; padding: 14px 16px; min-width: 0; }
        figure { display: flex; flex-direction: column; justify-content: space-between; }
        figcaption { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: baseline; }
        .key { color: var(--soft); font-size: 13px; }
        .key::before { content: ""; display: inline-block; width: 18px; height: 3px; margin-right: 6px; border-radius: 2px;
          vertical-align: middle; background: var(--main); }
        .key.raw::before { opacity: var(--pale); } .key.points::before { background: var(--points); }
        .key.second::before { background: var(--second); }
        svg { display: block; width: 100%; height: auto; margin-top: 6px; }
        svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
        svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
        svg path, svg circle { fill: none; stroke-linecap: round; stroke-linejoin: round; }
        path.rule { stroke: var(--rule); } path.raw { stroke: var(--main); opacity: var(--pale); }
        path.main { stroke: var(--main); stroke-width: 2; }
        path.points { stroke: var(--points); stroke-width: 2; } path.second { stroke: var(--second); stroke-width: 2; }
        svg circle.points { fill: var(--points); }
        .none { color: var(--soft); margin: 8px 0; }
        .settings { columns: 3 260px; column-gap: 32px; margin: 8px 0 0; }
        .settings div { display: flex; justify-content: space-between; gap: 16px; padding: 3px 0; border-bottom: 1px solid var(--rule);
          break-inside: avoid; }
        .settings dd { font-size: 14px; font-weight: 400; text-align: right; overflow-wrap: anywhere; min-width: 0; }
        .settings dt { font-size: 14px; }
        pre { margin: 8px 0 0; white-space: pre-wrap; overflow-wrap: anywhere;
          font: 13px/1.5 ui-monospace, "Cascadia Mono", Consolas, "DejaVu Sans Mono", monospace; }
        .narrow { display: none; }
        @media (max-width: 760px) {
          main { padding: 16px 10px 28px; gap: 10px; }
          figure, section { padding: 10px; }
          .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; }
          .wide { display: none; } .narrow { display: block; }
          svg text { font-size: 13px; }
        }
        @media print { figure, section { break-inside: avoid; } }
        """;
}
