/// How a page looks.
enum PageStyle {
    /// Light and dark, from the width of a phone to that of a projector, and on paper.
    static let sheet = """
        :root {
          color-scheme: light dark;
          --ink: #1a1a1a; --soft: #55585e; --paper: #ffffff; --band: #f4f5f7; --line: #d9dce1; --accent: #0072b2;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ink: #e8e9eb; --soft: #a5a9b0; --paper: #16181c; --band: #20242a; --line: #383d45; --accent: #56b4e9;
          }
          img.drawing { filter: invert(0.91) hue-rotate(180deg); }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
          font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
        }
        main { max-width: 80rem; margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 3rem; }
        header { border-bottom: 3px solid var(--accent); padding-bottom: 0.75rem; }
        h1 { font-size: clamp(1.5rem, 4vw, 2.25rem); line-height: 1.2; margin: 0; }
        h2 { font-size: 1.35rem; margin: 2.5rem 0 0.75rem; }
        p, li { max-width: 48rem; }
        p { margin: 0.6rem 0; }
        .subtitle { color: var(--soft); margin: 0.4rem 0 0; }
        .note { border-left: 4px solid var(--accent); background: var(--band); padding: 0.6rem 0.9rem; }
        .table { overflow-x: auto; margin: 1rem 0; }
        table { border-collapse: collapse; min-width: 100%; font-size: 0.95rem; }
        caption { text-align: left; color: var(--soft); padding-bottom: 0.4rem; max-width: 92vw; }
        th, td { padding: 0.4rem 0.75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
        thead th { background: var(--band); color: var(--soft); font-weight: 600; vertical-align: bottom; }
        tbody th { font-weight: 600; min-width: 5rem; }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        figure { margin: 1.25rem 0; }
        figure .title { font-weight: 600; margin: 0 0 0.35rem; }
        figure img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
        figcaption { color: var(--soft); font-size: 0.9rem; margin-top: 0.35rem; max-width: 48rem; }
        .gallery {
          display: grid; gap: 1rem 1.5rem; margin: 1rem 0;
          grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr));
        }
        .gallery:has(.drawing) { grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); }
        .gallery figure { margin: 0; max-width: 38rem; }
        .gallery img { width: 100%; }
        pre {
          background: var(--band); border: 1px solid var(--line); border-radius: 4px; padding: 0.75rem 1rem; margin: 1rem 0;
          overflow-x: auto; font: 0.875rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
        }
        footer { margin-top: 3rem; padding-top: 0.75rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.85rem; }
        @media print {
          :root {
            color-scheme: light;
            --ink: #000000; --soft: #44474c; --paper: #ffffff; --band: #f4f5f7; --line: #c9ccd1; --accent: #0072b2;
          }
          @page { margin: 15mm; }
          html { font-size: 9.5pt; }
          main { max-width: none; padding: 0; }
          img.drawing { filter: none; }
          h2, h2 + p { break-after: avoid; }
          figure, tr, .note { break-inside: avoid; }
          /* Rows of a grid are not kept whole at the end of a sheet; those of words are. */
          .gallery, .gallery:has(.drawing) { display: block; orphans: 1; widows: 1; }
          .gallery figure { display: inline-block; vertical-align: top; width: 23.5%; margin: 0 1% 1rem 0; }
          .gallery figure:has(.drawing) { width: 48%; }
          .table, pre { overflow: visible; }
          table { font-size: 8pt; }
          th, td { padding: 0.25rem 0.4rem; }
          pre { white-space: pre-wrap; }
        }
        """
}
