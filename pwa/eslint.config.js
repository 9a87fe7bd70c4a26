import js from '@eslint/js';
import vueI18n from '@intlify/eslint-plugin-vue-i18n';
import vue from 'eslint-plugin-vue';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['dist/**', 'node_modules/**', 'src/api/schema.d.ts', 'src/api/openapi.json'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...vue.configs['flat/recommended'],
  ...vueI18n.configs.recommended,
  {
    files: ['**/*.{ts,vue}'],
    languageOptions: {
      globals: { ...globals.browser, __APP_VERSION__: 'readonly' },
      parserOptions: { parser: ts.parser, ecmaVersion: 'latest', sourceType: 'module', extraFileExtensions: ['.vue'] },
    },
    rules: {
      'no-undef': 'off', // TypeScript knows better
      eqeqeq: ['error', 'smart'],
      'no-console': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Layout of templates is the formatter's business, not a reviewer's.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/attributes-order': 'off',
      'vue/require-default-prop': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/no-v-html': 'error',
      'vue/no-static-inline-styles': 'error',
    },
  },
  { files: ['scripts/**/*.js'], languageOptions: { globals: globals.node } },
  {
    settings: {
      'vue-i18n': {
        localeDir: [
          { pattern: './src/i18n/tip/*.json', localeKey: 'file' },
          { pattern: './src/i18n/staff/*.json', localeKey: 'file' },
          { pattern: './src/i18n/shared/*.json', localeKey: 'file' },
        ],
        messageSyntaxVersion: '^11.0.0',
      },
    },
    rules: {
      // Symbols need no translation; words do.
      '@intlify/vue-i18n/no-raw-text': ['error', { ignorePattern: '^[\\s\\d·…—:：/|×+→✓#()（）%,.、-]*$' }],
      '@intlify/vue-i18n/no-missing-keys': 'error',
      '@intlify/vue-i18n/no-missing-keys-in-other-locales': 'error',
      '@intlify/vue-i18n/no-unused-keys': [
        'error',
        {
          src: './src',
          extensions: ['.ts', '.vue'],
          // Families whose last part comes from the server or from a table in the code.
          ignores: [
            '/^problem\\./', '/^reason\\./', '/^rule\\./', '/^step\\./', '/^state(More)?\\./', '/^risk\\./', '/^flag\\./', '/^wait\\./',
            '/^(visitReason|answer|signatory|level|levelHint|formFault|side|actor|stepGo|stepDone|stepMeans|fieldHint|form|flagShort|channel|key|submission|itemState|attention|fault|storageWarning|mendField|conflictReason|theme|locale|size|span)\\./',
            '/^(notice|noticeChannel)\\./', '/^(givesAway|placeholder)\\./', '/^finding\\./', '/^queue\\./', '/^field\\./', '/^said\\./', '/^choice\\./', '/^role\\./', '/^clock\\./', '/^media\\.kind\\./', '/^fault\\./', '/[fF]ault\\./',
            '/^tableColumn\\./', '/^filter\\./', '/^next\\./', '/^ways\\.(kind|to)\\./', '/^(reward|settings|clockRules\\.(length|days)|costs\\.(kind|hint))\\./', '/^ground\\./', '/^storage\\./', '/^protection\\./', '/^settings\\.(sizes|themes)\\./', '/^place\\.(denied|unavailable|asking)$/',
          ],
        },
      ],
      '@intlify/vue-i18n/no-html-messages': 'error',
    },
  },
);
