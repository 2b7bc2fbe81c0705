{# SPDX-License-Identifier: GPL-3.0-or-later
   SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
   Hides the rows that the reader does not want to see. Rendered as a template so that this comment stays out of the page. #}
const form = document.querySelector('form'), rows = [...document.querySelectorAll('tbody tr')], shown = document.querySelector('output');
const columns = new Map([...document.querySelectorAll('thead th')].map((cell, index) => [cell.textContent.trim(), index]));
const text = (row, index) => row.cells[index] ? row.cells[index].textContent : '';
const update = () => {
  const wanted = Object.fromEntries(new FormData(form));
  const name = wanted.name.trim().toLowerCase();
  let number = 0;
  for (const row of rows) {
    const hidden = (name && !text(row, 0).toLowerCase().includes(name)) || (wanted.status && text(row, 1) !== wanted.status)
      || (wanted.ring && text(row, columns.get('Ring')) !== wanted.ring) || (wanted.profile && text(row, columns.get('Profile')) !== wanted.profile)
      || (wanted.control && !row.cells[columns.get(wanted.control)].querySelector('b'));
    row.hidden = Boolean(hidden);
    number += !hidden;
  }
  shown.textContent = number.toLocaleString('en') + ' of ' + rows.length.toLocaleString('en') + ' rows';
};
form.hidden = false;
form.addEventListener('input', update);
form.addEventListener('submit', event => event.preventDefault());
update();
