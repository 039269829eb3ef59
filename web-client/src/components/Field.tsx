import { use } from 'react';
import { FieldErrorContext } from 'react-aria-components/FieldError';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { Text } from 'react-aria-components/Text';
import { TextField, type TextFieldProps } from 'react-aria-components/TextField';
import { useDraft } from '~/drafts';
import { useSteady } from '~/stores/steady';

/** A labelled line of text with its hint and its complaint. What is typed outlives a break of the page, unless secret. */
export function Field({
  label,
  hint,
  name,
  ...props
}: TextFieldProps & { label: string; hint?: string; name: string }) {
  const [text, setText] = useDraft(name, '');
  const kept = props.type === 'password' ? {} : { value: text, onChange: setText };
  return (
    <TextField {...props} {...kept} name={name} className="flex flex-col gap-1.5">
      <Label className="font-medium">{label}</Label>
      <Input className="min-h-12 rounded-control border border-edge bg-surface px-4 text-ink data-[invalid]:border-bad" />
      {hint ? (
        <Text slot="description" className="text-muted text-note">
          {hint}
        </Text>
      ) : null}
      <Complaint />
    </TextField>
  );
}

/** It goes when the field is left, which is when the button below it is pressed. */
function Complaint() {
  const validation = use(FieldErrorContext);
  const text = useSteady(validation?.isInvalid ? validation.validationErrors.join(' ') : '');
  if (!text) return null;
  return (
    <Text slot="errorMessage" className="text-bad text-note">
      {text}
    </Text>
  );
}
